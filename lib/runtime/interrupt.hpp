// Ctrl-C: the first one is delivered to the main task at its next checkpoint, a second one while
// that has not ended the run kills the process, as it would have without us.
#pragma once

namespace structio::rt {

struct runtime;

/// Takes over SIGINT for this run as `mode` (enum structio_interrupt_mode) says. At most one run of
/// a process has it.
void interrupt_begin(runtime& rt, unsigned mode) noexcept;

/// Gives it back, unless the program has put a handler of its own there meanwhile.
void interrupt_end(runtime& rt) noexcept;

/// Hub: true once for each interrupt that has come.
bool interrupt_taken(runtime& rt) noexcept;

/// Asks the program's own function, if there is one, whether main shall get the interrupt.
bool interrupt_counts(runtime& rt) noexcept;

/// As if the signal had come. Any thread, signal handlers too.
void interrupt_raise(runtime& rt) noexcept;

}  // namespace structio::rt
