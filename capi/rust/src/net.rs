//! TCP: connecting, listening, serving.

use std::io::{self, Read, Write};
use std::mem::size_of;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::raw::{c_char, c_int, c_void};
use std::ptr;

use crate::call::{c_string, check, check_in_flight, guarded, may_wait};
use crate::error::{resume_panic, Error, Outcome, Result};
use crate::failure::text;
use crate::sys;

/// A TCP connection, for `std::io::Read` and `Write`, also through a shared reference: one task may
/// read while another one writes. Nagle's algorithm is off. Closed when dropped.
///
/// Reading and writing are checkpoints, also within `io::copy` and the like. A read that was
/// cancelled has taken nothing; a write may have sent a part, after which the stream is good for
/// nothing but closing. An `io::Error` carries this crate's [`Error`], which `?` takes out again.
pub struct TcpStream {
    raw: *mut sys::structio_stream,
}

/// Connects to a port of `host`, a name or an address. A name's addresses are tried by Happy
/// Eyeballs. A checkpoint; when cancelled all that was opened is closed again.
pub fn connect_tcp(host: &str, port: u16) -> Result<TcpStream> {
    may_wait()?;
    let host = c_string(host, "the host")?;
    let options = sys::structio_tcp_connect_options {
        struct_size: size_of::<sys::structio_tcp_connect_options>(),
        host: host.as_ptr(),
        port,
        attempt_delay: 0,
        local_host: ptr::null(),
    };
    let mut raw = ptr::null_mut();
    // SAFETY: the options last during the call.
    check_in_flight(unsafe { sys::structio_tcp_connect(&options, &mut raw) })?;
    Ok(TcpStream { raw })
}

impl TcpStream {
    /// Waits until at least one byte is there; gives how many, 0 at the end of the stream. As
    /// `Read::read`, with this crate's errors.
    pub fn receive(&self, buffer: &mut [u8]) -> Result<usize> {
        may_wait()?;
        if buffer.is_empty() {
            return Ok(0);
        }
        // SAFETY: the buffer is not touched after the call.
        let count = unsafe {
            sys::structio_stream_receive_some(self.raw, buffer.as_mut_ptr().cast(), buffer.len())
        };
        usize::try_from(count).map_err(|_| Error::from_code(count as c_int))
    }

    /// Sends everything. As `Write::write_all`, with this crate's errors.
    pub fn send_all(&self, data: &[u8]) -> Result<()> {
        may_wait()?;
        // SAFETY: the data is not touched after the call.
        let code =
            unsafe { sys::structio_stream_send_all(self.raw, data.as_ptr().cast(), data.len()) };
        check(code).map(drop)
    }

    /// Ends our direction: the peer sees the end of the stream. A checkpoint.
    pub fn send_eof(&self) -> Result<()> {
        may_wait()?;
        // SAFETY: the handle is ours.
        check(unsafe { sys::structio_stream_send_eof(self.raw) }).map(drop)
    }

    /// Closes: whoever waits here gets [`Error::Closed`]. A checkpoint that also closes when
    /// cancelled. Dropping closes too, without a checkpoint.
    pub fn close(&self) -> Result<()> {
        may_wait()?;
        // SAFETY: the handle is ours.
        check(unsafe { sys::structio_stream_close(self.raw) }).map(drop)
    }

    /// For code that is written for `std`: `Write` is [`send_eof`](Self::send_eof), `Both` is
    /// [`close`](Self::close); reading cannot be ended alone.
    pub fn shutdown(&self, how: Shutdown) -> Result<()> {
        match how {
            Shutdown::Write => self.send_eof(),
            Shutdown::Both => self.close(),
            Shutdown::Read => Err(Error::status(
                sys::STRUCTIO_EINVALID,
                "shutdown: reading cannot be ended alone",
            )),
        }
    }

    /// The address of this end.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        // SAFETY: the handle is ours, the room as large as said.
        address(|host, size, port| unsafe {
            sys::structio_stream_local_address(self.raw, host, size, port)
        })
    }

    /// The address of the other end.
    pub fn peer_addr(&self) -> Result<SocketAddr> {
        // SAFETY: as above.
        address(|host, size, port| unsafe {
            sys::structio_stream_peer_address(self.raw, host, size, port)
        })
    }

    /// Nagle's algorithm off (true, the default here) or on.
    pub fn set_nodelay(&self, on: bool) -> Result<()> {
        // SAFETY: the handle is ours.
        check(unsafe { sys::structio_stream_set_nodelay(self.raw, c_int::from(on)) }).map(drop)
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.receive(buffer)?)
    }
}

impl Write for &TcpStream {
    /// Sends all of it.
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.send_all(data)?;
        Ok(data.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for TcpStream {
    /// Sends all of it.
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (&*self).write(data)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and used no more.
        unsafe { sys::structio_stream_free(self.raw) };
    }
}

fn address(ask: impl FnOnce(*mut c_char, usize, *mut u16) -> c_int) -> Result<SocketAddr> {
    let mut host = [0_u8; 64];
    let mut port = 0;
    check(ask(host.as_mut_ptr().cast(), host.len(), &mut port))?;
    // SAFETY: what the library has written ends with NUL.
    let host = unsafe { text(host.as_ptr().cast()) };
    let number = host.split('%').next().unwrap_or_default();
    let address: IpAddr = number.parse().map_err(Error::new)?;
    Ok(SocketAddr::new(address, port))
}

/// Accepts TCP connections. Closed when dropped.
pub struct TcpListener {
    raw: *mut sys::structio_listener,
}

impl TcpListener {
    /// Listens at a numeric address; port 0: the system chooses.
    pub fn bind(host: &str, port: u16) -> Result<Self> {
        let host = c_string(host, "the host")?;
        let options = sys::structio_tcp_listen_options {
            struct_size: size_of::<sys::structio_tcp_listen_options>(),
            host: host.as_ptr(),
            port,
            reuse_port: 0,
            ipv6_only: 0,
            backlog: 0,
        };
        let mut raw = ptr::null_mut();
        // SAFETY: the options last during the call.
        check(unsafe { sys::structio_tcp_listen(&options, &mut raw) })?;
        Ok(Self { raw })
    }

    /// Waits for a connection. A checkpoint; when cancelled none was taken.
    pub fn accept(&self) -> Result<TcpStream> {
        may_wait()?;
        let mut raw = ptr::null_mut();
        // SAFETY: the handle is ours.
        check(unsafe { sys::structio_listener_accept(self.raw, &mut raw) })?;
        Ok(TcpStream { raw })
    }

    /// The address it listens at.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        // SAFETY: the handle is ours, the room as large as said.
        address(|host, size, port| unsafe {
            sys::structio_listener_address(self.raw, host, size, port)
        })
    }

    /// Closes: whoever waits here gets [`Error::Closed`]. A checkpoint that also closes when
    /// cancelled.
    pub fn close(&self) -> Result<()> {
        may_wait()?;
        // SAFETY: the handle is ours.
        check(unsafe { sys::structio_listener_close(self.raw) }).map(drop)
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and used no more.
        unsafe { sys::structio_listener_free(self.raw) };
    }
}

/// Accepts for ever, each connection in a task of its own that calls `handler`. See
/// [`ServeOptions::serve`].
pub fn serve<F, R>(listener: &TcpListener, handler: F) -> Result<()>
where
    F: Fn(TcpStream) -> R,
    R: Outcome,
{
    ServeOptions::new().serve(listener, handler)
}

/// How to serve.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    max_connections: u64,
    log_errors: bool,
}

impl ServeOptions {
    /// No limit; a handler that fails ends the server.
    pub fn new() -> Self {
        Self::default()
    }
    /// So many handlers at a time; others wait in the system's queue. 0: no limit.
    pub fn max_connections(mut self, count: u64) -> Self {
        self.max_connections = count;
        self
    }
    /// A handler's failure, or panic, is logged and ends nothing else.
    pub fn log_errors(mut self, on: bool) -> Self {
        self.log_errors = on;
        self
    }

    /// Accepts for ever. Its handlers may borrow what outlives this call, which waits for all of
    /// them. When descriptors run out it pauses and goes on. Ends well when a stop is asked for
    /// around it and its handlers have ended. A checkpoint. Errors: [`Error::Cancelled`],
    /// [`Error::Group`] (handlers failed), [`Error::Closed`] (the listener was). Panics when a
    /// handler has panicked, unless errors are logged.
    pub fn serve<F, R>(&self, listener: &TcpListener, handler: F) -> Result<()>
    where
        F: Fn(TcpStream) -> R,
        R: Outcome,
    {
        may_wait()?;
        let options = sys::structio_serve_options {
            struct_size: size_of::<sys::structio_serve_options>(),
            handler_owns_stream: 1,
            log_errors: u32::from(self.log_errors),
            handler_nursery: ptr::null_mut(),
            max_connections: self.max_connections,
            on_error: None,
            on_error_arg: ptr::null_mut(),
        };
        let arg = &handler as *const F as *mut c_void;
        // SAFETY: the handlers' nursery ends within the call, so `handler` outlives them.
        let code = unsafe { sys::structio_serve(listener.raw, handle::<F, R>, arg, &options) };
        check_in_flight(code).map(drop).map_err(resume_panic)
    }
}

/// # Safety
/// `stream` is given away, `arg` is an `F` that outlives the call.
unsafe extern "C" fn handle<F, R>(stream: *mut sys::structio_stream, arg: *mut c_void) -> c_int
where
    F: Fn(TcpStream) -> R,
    R: Outcome,
{
    // SAFETY: as promised by the caller.
    let handler = unsafe { &*arg.cast::<F>() };
    let stream = TcpStream { raw: stream };
    guarded(|| handler(stream).into_result().map(drop))
}
