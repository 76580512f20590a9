// What every function that can wait does about cancellation, as data: one list, from which the
// table is made. A function that is not in it neither waits nor looks for cancellation. Any thread.
#include <structio/structio_testing.h>
#include <structio/structio_testing_stream.h>

#include <cstring>

#include "check.hpp"
#include "op_table.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

// Name without its prefix, whether it is a checkpoint every time, what has happened when it was
// cancelled. The halves of a checkpoint and the end of a nursery are here since they give way or
// look, though never both; what only calls a function of the user's is whatever that one is.
#define STRUCTIO_OP_MAP(X)                           \
  X(all, true, BODY)                                 \
  X(broadcast_send, true, NOTHING)                   \
  X(buffered_peek, true, NOTHING)                    \
  X(buffered_receive_exactly, true, NOTHING)         \
  X(buffered_receive_frame, true, NOTHING)           \
  X(buffered_receive_line, true, NOTHING)            \
  X(buffered_receive_some, true, NOTHING)            \
  X(buffered_receive_until, true, NOTHING)           \
  X(buffered_take_exactly, true, NOTHING)            \
  X(cancel_shielded_checkpoint, false, NONE)         \
  X(checkpoint, true, NOTHING)                       \
  X(checkpoint_if_cancelled, false, NOTHING)         \
  X(condition_wait, true, NOTHING)                   \
  X(datagram_receive, true, NOTHING)                 \
  X(datagram_receive_many, true, NOTHING)            \
  X(datagram_send, true, NOTHING)                    \
  X(datagram_send_many, true, NOTHING)               \
  X(datagram_send_to, true, NOTHING)                 \
  X(directory_list, true, NOTHING)                   \
  X(directory_make, true, NOTHING)                   \
  X(event_wait, true, NOTHING)                       \
  X(fail_after, false, BODY)                         \
  X(file_close, true, CLOSED)                        \
  X(file_get_info, true, NOTHING)                    \
  X(file_open, true, NOTHING)                        \
  X(file_read, true, NOTHING)                        \
  X(file_read_all, true, NOTHING)                    \
  X(file_read_at, true, NOTHING)                     \
  X(file_seek, true, NOTHING)                        \
  X(file_size, true, NOTHING)                        \
  X(file_sync, true, NOTHING)                        \
  X(file_truncate, true, NOTHING)                    \
  X(file_try_lock, true, NOTHING)                    \
  X(file_write, true, NOTHING)                       \
  X(file_write_all, true, NOTHING)                   \
  X(file_write_at, true, NOTHING)                    \
  X(first_success, true, BODY)                       \
  X(for_each_concurrent, true, BODY)                 \
  X(limiter_acquire, true, NOTHING)                  \
  X(limiter_acquire_on_behalf, true, NOTHING)        \
  X(listener_accept, true, NOTHING)                  \
  X(listener_close, true, CLOSED)                    \
  X(lot_park, true, NOTHING)                         \
  X(memory_stream_get_data, true, NOTHING)           \
  X(move_on_after, false, BODY)                      \
  X(mutex_lock, true, NOTHING)                       \
  X(nursery_close, false, NONE)                      \
  X(nursery_start, false, BODY)                      \
  X(park, true, NOTHING)                             \
  X(path_copy_file, true, NOTHING)                   \
  X(path_current, true, NOTHING)                     \
  X(path_exists, true, NOTHING)                      \
  X(path_get_info, true, NOTHING)                    \
  X(path_glob, true, NOTHING)                        \
  X(path_home, true, NOTHING)                        \
  X(path_link, true, NOTHING)                        \
  X(path_read_link, true, NOTHING)                   \
  X(path_real, true, NOTHING)                        \
  X(path_remove, true, NOTHING)                      \
  X(path_remove_all, true, PREFIX)                   \
  X(path_rename, true, NOTHING)                      \
  X(path_set_permissions, true, NOTHING)             \
  X(path_set_times, true, NOTHING)                   \
  X(path_symlink, true, NOTHING)                     \
  X(process_spawn, true, PREFIX)                     \
  X(process_spawn_shell, true, PREFIX)               \
  X(process_wait, true, NOTHING)                     \
  X(race, true, BODY)                                \
  X(receiver_receive, true, NOTHING)                 \
  X(receiver_receive_batch, true, NOTHING)           \
  X(remote_sender_send, true, NOTHING)               \
  X(resolve, true, NOTHING)                          \
  X(resolve_name, true, NOTHING)                     \
  X(run_in_thread, true, BODY)                       \
  X(run_pipeline, true, CLOSED)                      \
  X(run_process, true, CLOSED)                       \
  X(run_shell, true, CLOSED)                         \
  X(select, true, NOTHING)                           \
  X(semaphore_acquire, true, NOTHING)                \
  X(sender_send, true, NOTHING)                      \
  X(sequencer_step, true, CLOSED)                    \
  X(serve, true, BODY)                               \
  X(serve_all, true, BODY)                           \
  X(signal_receive, true, NOTHING)                   \
  X(sleep, true, NOTHING)                            \
  X(sleep_forever, true, NOTHING)                    \
  X(sleep_until, true, NOTHING)                      \
  X(stream_close, true, CLOSED)                      \
  X(stream_copy, true, PREFIX)                       \
  X(stream_proxy, true, PREFIX)                      \
  X(stream_receive_some, true, NOTHING)              \
  X(stream_send_all, true, PREFIX)                   \
  X(stream_send_eof, true, NOTHING)                  \
  X(stream_send_frame, true, PREFIX)                 \
  X(stream_send_vectored, true, PREFIX)              \
  X(stream_wait_send_might_not_block, true, NOTHING) \
  X(subscription_receive, true, NOTHING)             \
  X(task_join, true, NOTHING)                        \
  X(tcp_connect, true, CLOSED)                       \
  X(tcp_listen_all, true, NOTHING)                   \
  X(temporary_directory_make, true, NOTHING)         \
  X(temporary_file_open, true, NOTHING)              \
  X(tls_do_handshake, true, CLOSED)                  \
  X(tls_serve, true, BODY)                           \
  X(tls_unwrap, true, PREFIX)                        \
  X(unix_connect, true, NOTHING)                     \
  X(unix_receive_descriptors, true, NOTHING)         \
  X(unix_send_descriptors, true, PREFIX)             \
  X(wait_all_tasks_blocked, true, NOTHING)           \
  X(wait_all_threads_completed, true, NOTHING)       \
  X(wait_readable, true, NOTHING)                    \
  X(wait_writable, true, NOTHING)                    \
  X(watch_close, true, CLOSED)                       \
  X(watch_next, true, NOTHING)

constexpr operation operations[] = {
#define STRUCTIO_OP(name, checkpoint, effect) \
  {"structio_" #name,                         \
   checkpoint,                                \
   STRUCTIO_EFFECT_##effect,                  \
   typed<&structio_##name>::call,             \
   typed<&structio_##name>::count,            \
   typed<&structio_##name>::signature},
    STRUCTIO_OP_MAP(STRUCTIO_OP)
#undef STRUCTIO_OP
};

int tell(const operation& op, structio_op_info& info) noexcept {
  structio_op_info all{};
  all.struct_size = info.struct_size;
  all.name = op.name;
  all.checkpoint = op.checkpoint;
  all.effect = op.effect;
  all.index = static_cast<std::uint32_t>(&op - operations);
  all.arguments = op.arguments;
  all.signature = op.signature;
  __builtin_memcpy(&info, &all, all.struct_size < sizeof all ? all.struct_size : sizeof all);
  return 0;
}

}  // namespace

std::int64_t structio::capi::perform(std::uint32_t op, const std::uint64_t* arguments) noexcept {
  if (op < std::size(operations)) return operations[op].call(arguments);
  return fail(STRUCTIO_EINVALID, "structio_drive: there is no function of the index %u", op);
}

int structio_op_at(size_t index, structio_op_info* info) {
  constexpr const char* call = "structio_op_at";
  if (!info) return null_argument(call, "info");
  if (!options_fit(info, call)) return refused();
  if (index < std::size(operations)) return tell(operations[index], *info);
  return fail(STRUCTIO_EABSENT, "%s: there are %zu entries", call, std::size(operations));
}

int structio_op_find(const char* name, structio_op_info* info) {
  constexpr const char* call = "structio_op_find";
  if (!name) return null_argument(call, "name");
  if (!info) return null_argument(call, "info");
  if (!options_fit(info, call)) return refused();
  for (const operation& op : operations) {
    if (std::strcmp(op.name, name) == 0) return tell(op, *info);
  }
  return fail(STRUCTIO_EABSENT, "%s: %.80s is not in the table of functions that can wait", call,
              name);
}
