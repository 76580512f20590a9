//! Codes of the C ABI as Zig errors, and back.

const std = @import("std");
const c = @import("c.zig");

/// What structio itself reports. `lastMessage` has the detail: the call, the rule, the remedy.
pub const OwnError = error{
    /// A cancel scope around the call was cancelled. Free what you hold and return it.
    Cancelled,
    /// An argument that cannot be right.
    InvalidArgument,
    /// The call is not allowed in this state.
    Misuse,
    /// Called from outside a task of a running runtime.
    NotATask,
    /// The object has been closed on this side.
    Closed,
    /// The other side or the owner of the object is gone.
    Broken,
    /// Another task is already doing this on the object.
    Busy,
    /// The call would have to wait.
    WouldBlock,
    /// Every sender is closed and the channel is drained.
    EndOfChannel,
    /// The deadline passed before the block ended.
    TooSlow,
    /// Memory is out.
    OutOfMemory,
    /// A handle that was freed, or is not of this kind.
    Stale,
    /// The run has ended.
    RunFinished,
    /// No task can ever be woken again.
    Deadlock,
    /// The user asked the program to end (Ctrl-C). In the main task only.
    Interrupted,
    /// The runtime or a system task failed.
    Internal,
    /// Tasks failed; `takeFailure` gives the group that holds each of them.
    Group,
    /// A failure that is no code: an error of Zig that has none, an exception of another language.
    Payload,
    /// This binding and the library do not belong together.
    VersionMismatch,
    /// A limit of structio or of the system has been reached.
    LimitReached,
    /// Not supported on this platform or in this build.
    Unsupported,
    /// No value is set.
    Absent,
    /// The stream ended in the middle of what was expected.
    Incomplete,
    /// A program that was run ended with a failure.
    ProcessFailed,
};

/// What the operating system reports, under the names that std uses where it has one.
pub const SystemError = error{
    AccessDenied,
    AddressFamilyUnsupported,
    AddressInUse,
    AddressUnavailable,
    BadDescriptor,
    BrokenPipe,
    ConnectionAborted,
    ConnectionRefused,
    ConnectionResetByPeer,
    DeviceBusy,
    DirNotEmpty,
    FileNotFound,
    FileTooBig,
    HostUnreachable,
    InputOutput,
    IsDir,
    MessageTooBig,
    NameServerFailure,
    NameTooLong,
    NetworkDown,
    NetworkUnreachable,
    NoAddress,
    NoSpaceLeft,
    NotConnected,
    NotDir,
    NotSocket,
    PathAlreadyExists,
    PermissionDenied,
    ProcessFdQuotaExceeded,
    ReadOnlyFileSystem,
    SymLinkLoop,
    SystemArgument,
    SystemFdQuotaExceeded,
    SystemResources,
    TemporaryNameServerFailure,
    Timeout,
    TryAgain,
    UnknownHostName,
    /// Any other code of the system; `lastMessage` names it.
    Unexpected,
};

/// Everything that a call into structio may return.
pub const Error = OwnError || SystemError;

const Pair = struct { err: Error, code: c_int };

fn os(errno: std.posix.E) c_int {
    return -@as(c_int, @intCast(@intFromEnum(errno)));
}

/// Each error and its code, one to one. Codes of the system are negated errno values; those of name
/// servers are libuv's (UV_EAI_*).
pub const table = [_]Pair{
    .{ .err = error.Cancelled, .code = -20001 },
    .{ .err = error.InvalidArgument, .code = -20002 },
    .{ .err = error.Misuse, .code = -20003 },
    .{ .err = error.NotATask, .code = -20004 },
    .{ .err = error.Closed, .code = -20005 },
    .{ .err = error.Broken, .code = -20006 },
    .{ .err = error.Busy, .code = -20007 },
    .{ .err = error.WouldBlock, .code = -20008 },
    .{ .err = error.EndOfChannel, .code = -20009 },
    .{ .err = error.TooSlow, .code = -20010 },
    .{ .err = error.OutOfMemory, .code = -20011 },
    .{ .err = error.Stale, .code = -20012 },
    .{ .err = error.RunFinished, .code = -20013 },
    .{ .err = error.Deadlock, .code = -20014 },
    .{ .err = error.Interrupted, .code = -20015 },
    .{ .err = error.Internal, .code = -20016 },
    .{ .err = error.Group, .code = -20017 },
    .{ .err = error.Payload, .code = -20018 },
    .{ .err = error.VersionMismatch, .code = -20019 },
    .{ .err = error.LimitReached, .code = -20020 },
    .{ .err = error.Unsupported, .code = -20021 },
    .{ .err = error.Absent, .code = -20022 },
    .{ .err = error.Incomplete, .code = -20023 },
    .{ .err = error.ProcessFailed, .code = -20024 },
    .{ .err = error.AccessDenied, .code = os(.ACCES) },
    .{ .err = error.AddressFamilyUnsupported, .code = os(.AFNOSUPPORT) },
    .{ .err = error.AddressInUse, .code = os(.ADDRINUSE) },
    .{ .err = error.AddressUnavailable, .code = os(.ADDRNOTAVAIL) },
    .{ .err = error.BadDescriptor, .code = os(.BADF) },
    .{ .err = error.BrokenPipe, .code = os(.PIPE) },
    .{ .err = error.ConnectionAborted, .code = os(.CONNABORTED) },
    .{ .err = error.ConnectionRefused, .code = os(.CONNREFUSED) },
    .{ .err = error.ConnectionResetByPeer, .code = os(.CONNRESET) },
    .{ .err = error.DeviceBusy, .code = os(.BUSY) },
    .{ .err = error.DirNotEmpty, .code = os(.NOTEMPTY) },
    .{ .err = error.FileNotFound, .code = os(.NOENT) },
    .{ .err = error.FileTooBig, .code = os(.FBIG) },
    .{ .err = error.HostUnreachable, .code = os(.HOSTUNREACH) },
    .{ .err = error.InputOutput, .code = os(.IO) },
    .{ .err = error.IsDir, .code = os(.ISDIR) },
    .{ .err = error.MessageTooBig, .code = os(.MSGSIZE) },
    .{ .err = error.NameTooLong, .code = os(.NAMETOOLONG) },
    .{ .err = error.NetworkDown, .code = os(.NETDOWN) },
    .{ .err = error.NetworkUnreachable, .code = os(.NETUNREACH) },
    .{ .err = error.NoSpaceLeft, .code = os(.NOSPC) },
    .{ .err = error.NotConnected, .code = os(.NOTCONN) },
    .{ .err = error.NotDir, .code = os(.NOTDIR) },
    .{ .err = error.NotSocket, .code = os(.NOTSOCK) },
    .{ .err = error.PathAlreadyExists, .code = os(.EXIST) },
    .{ .err = error.PermissionDenied, .code = os(.PERM) },
    .{ .err = error.ProcessFdQuotaExceeded, .code = os(.MFILE) },
    .{ .err = error.ReadOnlyFileSystem, .code = os(.ROFS) },
    .{ .err = error.SymLinkLoop, .code = os(.LOOP) },
    .{ .err = error.SystemArgument, .code = os(.INVAL) },
    .{ .err = error.SystemFdQuotaExceeded, .code = os(.NFILE) },
    .{ .err = error.SystemResources, .code = os(.NOBUFS) },
    .{ .err = error.Timeout, .code = os(.TIMEDOUT) },
    .{ .err = error.TryAgain, .code = os(.AGAIN) },
    .{ .err = error.TemporaryNameServerFailure, .code = -3001 },
    .{ .err = error.NameServerFailure, .code = -3004 },
    .{ .err = error.NoAddress, .code = -3007 },
    .{ .err = error.UnknownHostName, .code = -3008 },
};

/// The error that stands for a negative code; `Unexpected` for one without a name here.
pub fn fromCode(code: c_int) Error {
    inline for (table) |pair| {
        if (pair.code == code) return pair.err;
    }
    // libuv's own code for a lack of memory.
    if (code == os(.NOMEM)) return error.OutOfMemory;
    return error.Unexpected;
}

/// The code of an error that has one, whoever returned it; null for all others.
pub fn codeOf(err: anyerror) ?c_int {
    inline for (table) |pair| {
        if (pair.err == err) return pair.code;
    }
    return null;
}

/// Makes an error of a negative result, and gives back any other.
pub fn check(result: anytype) Error!@TypeOf(result) {
    if (result < 0) return fromCode(@intCast(result));
    return result;
}

/// The same where only success matters.
pub fn done(result: c_int) Error!void {
    if (result < 0) return fromCode(result);
}

/// What exactly was wrong with the last call that failed on this thread, as one line. Valid until
/// the next call that fails.
pub fn lastMessage() [:0]const u8 {
    return std.mem.span(c.structio_last_message());
}
