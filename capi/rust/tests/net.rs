//! TCP, with real sockets.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

use structio::{
    connect_tcp, fail_after, open_nursery, run, serve, CancelScope, Error, Result, ServeOptions,
    TcpListener, TcpStream,
};

const LONG: Duration = Duration::from_secs(30);

fn listen() -> Result<(TcpListener, u16)> {
    let listener = TcpListener::bind("127.0.0.1", 0)?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

fn echo(stream: TcpStream) -> io::Result<()> {
    io::copy(&mut &stream, &mut &stream).map(drop)
}

fn ask(port: u16, text: &str) -> Result<String> {
    let mut stream = connect_tcp("127.0.0.1", port)?;
    stream.write_all(text.as_bytes())?;
    stream.flush()?;
    stream.send_eof()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn an_echo_server_and_many_clients() {
    run(|| {
        let (listener, port) = listen()?;
        let answered = Cell::new(0);
        fail_after(LONG, |_| {
            open_nursery(|n| {
                n.spawn_service(|| serve(&listener, echo))?;
                let answered = &answered;
                for client in 0..50 {
                    n.spawn(move || -> Result<()> {
                        let text = format!("client {client}\n").repeat(client * 100 + 1);
                        assert_eq!(ask(port, &text)?, text);
                        answered.set(answered.get() + 1);
                        Ok(())
                    })?;
                }
                Ok(())
            })
        })?;
        assert_eq!(answered.get(), 50);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_thread_of_std_is_the_peer() {
    run(|| {
        let (listener, port) = listen()?;
        let peer = std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(b"one\ntwo\n").unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let stream = listener.accept()?;
        assert_eq!(stream.local_addr()?.port(), port);
        assert!(stream.peer_addr()?.ip().is_loopback());
        stream.set_nodelay(true)?;
        let lines: io::Result<Vec<String>> = BufReader::new(&stream).lines().collect();
        assert_eq!(lines?, ["one", "two"]);
        write!(&stream, "thanks")?;
        stream.shutdown(Shutdown::Both)?;
        assert!(stream.shutdown(Shutdown::Read).is_err());
        assert!(matches!(stream.receive(&mut [0]), Err(Error::Closed)));
        assert_eq!(peer.join().unwrap(), "thanks");
        Ok(())
    })
    .unwrap();
}

#[test]
fn one_task_reads_while_another_writes() {
    run(|| {
        let (listener, port) = listen()?;
        let client = connect_tcp("127.0.0.1", port)?;
        let server = listener.accept()?;
        let data = vec![7_u8; 3_000_000];
        fail_after(LONG, |_| {
            open_nursery(|n| {
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let data = &data;
                    n.spawn(move || -> Result<()> {
                        from.send_all(data)?;
                        from.send_eof()
                    })?;
                    n.spawn(move || -> Result<()> {
                        let mut received = Vec::new();
                        Read::take(to, u64::MAX).read_to_end(&mut received)?;
                        assert!(received == *data);
                        Ok(())
                    })?;
                }
                Ok(())
            })
        })
    })
    .unwrap();
}

#[test]
fn what_cannot_be_is_an_error() {
    run(|| {
        let refused = connect_tcp("127.0.0.1", 1);
        assert!(matches!(refused, Err(Error::Status { .. })));
        assert!(connect_tcp("a\0b", 1).is_err());
        assert!(matches!(TcpListener::bind("nowhere", 0), Err(Error::Status { .. })));
        let (listener, port) = listen()?;
        assert!(TcpListener::bind("127.0.0.1", port).is_err());
        open_nursery(|n| {
            n.spawn(|| assert!(matches!(listener.accept(), Err(Error::Closed))))?;
            structio::checkpoint()?;
            listener.close()
        })?;
        let (listener, port) = listen()?;
        let stream = connect_tcp("127.0.0.1", port)?;
        let mut peer = listener.accept()?;
        assert_eq!(stream.receive(&mut [])?, 0);
        drop(stream);
        assert_eq!(peer.read(&mut [0; 9])?, 0);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_stop_drains_a_server() {
    run(|| {
        let (listener, port) = listen()?;
        let scope = CancelScope::new();
        let served = Cell::new(0);
        open_nursery(|n| {
            n.spawn(|| {
                scope.enter(|| {
                    ServeOptions::new().max_connections(2).serve(&listener, |stream| {
                        echo(stream)?;
                        served.set(served.get() + 1);
                        Ok::<_, Error>(())
                    })
                })
            })?;
            for _ in 0..5 {
                assert_eq!(ask(port, "x")?, "x");
            }
            scope.stop(LONG)
        })?;
        assert_eq!((served.get(), scope.cancelled_caught()), (5, false));
        Ok(())
    })
    .unwrap();
}

#[test]
fn handlers_that_fail_or_panic() {
    run(|| {
        let (listener, port) = listen()?;
        let failed = open_nursery(|n| {
            n.spawn(|| connect_tcp("127.0.0.1", port).map(drop))?;
            serve(&listener, |_stream| Err::<(), _>("no service"))
        });
        let text = failed.unwrap_err().to_string();
        assert!(text.contains("no service"), "{text}");

        let panicked = catch_unwind(AssertUnwindSafe(|| {
            open_nursery(|n| {
                n.spawn(|| connect_tcp("127.0.0.1", port).map(drop))?;
                serve(&listener, |_stream| -> Result<()> { panic!("in a handler") })
            })
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"in a handler"));

        let first = Cell::new(true);
        open_nursery(|n| {
            n.spawn_service(|| {
                ServeOptions::new().log_errors(true).serve(&listener, |stream| {
                    assert!(!first.replace(false), "logged, and that is all");
                    echo(stream)
                })
            })?;
            assert!(ask(port, "").map_or(true, |answer| answer.is_empty()));
            assert_eq!(ask(port, "still there")?, "still there");
            Ok(())
        })
    })
    .unwrap();
}

#[test]
fn handles_outlive_their_run() {
    let (listener, stream) = run(|| {
        let (listener, port) = listen()?;
        let stream = connect_tcp("127.0.0.1", port)?;
        Ok((listener, stream))
    })
    .unwrap();
    assert!(stream.receive(&mut [0]).is_err());
    run(|| {
        assert!(listener.accept().is_err());
        drop(stream);
        drop(listener);
        Ok(())
    })
    .unwrap();
}
