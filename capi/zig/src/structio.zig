//! structio: structured concurrency on fibers, for Zig.
//!
//!     const structio = @import("structio");
//!
//!     fn hello(name: []const u8) !void {
//!         try structio.sleep(structio.milliseconds(10));
//!         std.debug.print("hello, {s}\n", .{name});
//!     }
//!
//!     fn greet(nursery: *structio.Nursery) !void {
//!         try nursery.spawn(hello, .{"moon"});
//!         try nursery.spawn(hello, .{"sun"});
//!     }
//!
//!     fn program() !void {
//!         try structio.withNursery(greet, .{}); // ends when both children have
//!     }
//!
//!     pub fn main() !void {
//!         try structio.run(program, .{});
//!     }
//!
//! Tasks are fibers of the thread that called `run`: they are written as straight code, and only at
//! a checkpoint do others run or does cancellation arrive, as `error.Cancelled`: free what you hold
//! and return it. A call that was cancelled did nothing, unless its comment says otherwise.
//! The rules in full stand at the head of `structio/structio.h`.

const errors = @import("errors.zig");
const run_ = @import("run.zig");
const failure = @import("failure.zig");
const nursery = @import("nursery.zig");
const scope = @import("scope.zig");
const sync = @import("sync.zig");
const channel = @import("channel.zig");
const net = @import("net.zig");
const thread = @import("thread.zig");
const adapters = @import("adapters.zig");

/// The C ABI, as far as this binding uses it.
pub const c = @import("c.zig");
/// Virtual time and more for tests.
pub const testing = @import("testing.zig");

pub const Error = errors.Error;
pub const OwnError = errors.OwnError;
pub const SystemError = errors.SystemError;
pub const fromCode = errors.fromCode;
pub const codeOf = errors.codeOf;
pub const lastMessage = errors.lastMessage;

pub const run = run_.run;
pub const runWith = run_.runWith;
pub const RunOptions = run_.RunOptions;
pub const InterruptMode = run_.InterruptMode;
pub const inRun = run_.inRun;
pub const checkpoint = run_.checkpoint;
pub const checkpointIfCancelled = run_.checkpointIfCancelled;
pub const cancelShieldedCheckpoint = run_.cancelShieldedCheckpoint;
pub const now = run_.now;
pub const sleep = run_.sleep;
pub const sleepUntil = run_.sleepUntil;
pub const sleepForever = run_.sleepForever;
pub const forever = run_.forever;
pub const microseconds = run_.microseconds;
pub const milliseconds = run_.milliseconds;
pub const seconds = run_.seconds;
pub const TaskId = run_.TaskId;
pub const currentTask = run_.currentTask;
pub const taskName = run_.taskName;
pub const setTaskName = run_.setTaskName;

pub const Failure = failure.Failure;
pub const takeFailure = failure.takeFailure;

pub const Nursery = nursery.Nursery;
pub const withNursery = nursery.withNursery;
pub const withNurseryOptions = nursery.withNurseryOptions;
pub const TaskOptions = nursery.TaskOptions;
pub const TaskStatus = nursery.TaskStatus;
pub const TaskHandle = nursery.TaskHandle;

pub const CancelScope = scope.CancelScope;
pub const ScopeOptions = scope.ScopeOptions;
pub const Deadline = scope.Deadline;
pub const moveOnAfter = scope.moveOnAfter;
pub const failAfter = scope.failAfter;
pub const cancelReason = scope.cancelReason;
pub const stopRequested = scope.stopRequested;
pub const currentDeadline = scope.currentDeadline;

pub const Event = sync.Event;
pub const Mutex = sync.Mutex;
pub const Semaphore = sync.Semaphore;
pub const Condition = sync.Condition;

pub const Channel = channel.Channel;
pub const ChannelWith = channel.ChannelWith;

pub const TcpStream = net.TcpStream;
pub const TcpListener = net.TcpListener;
pub const Address = net.Address;
pub const ListenOptions = net.ListenOptions;
pub const listenTcp = net.listenTcp;
pub const ConnectOptions = net.ConnectOptions;
pub const connectTcp = net.connectTcp;
pub const connectTcpWith = net.connectTcpWith;
pub const ServeOptions = net.ServeOptions;
pub const ServeErrorFn = net.ServeErrorFn;
pub const serve = net.serve;
pub const StreamReader = adapters.Reader;
pub const StreamWriter = adapters.Writer;

pub const runInThread = thread.runInThread;
pub const callFromThread = thread.callFromThread;
pub const threadCheckCancelled = thread.threadCheckCancelled;
pub const Portal = thread.Portal;
