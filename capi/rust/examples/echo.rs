//! An echo server, and a client that talks to it.

use std::io::{copy, Read, Write};
use std::time::Duration;

use structio::{connect_tcp, fail_after, open_nursery, serve, Result, TcpListener};

fn main() -> Result<()> {
    structio::run(|| {
        let listener = TcpListener::bind("127.0.0.1", 0)?;
        let port = listener.local_addr()?.port();
        open_nursery(|nursery| {
            nursery.spawn_service(|| {
                serve(&listener, |stream| copy(&mut &stream, &mut &stream).map(drop))
            })?;
            let answer = fail_after(Duration::from_secs(5), |_| {
                let mut stream = connect_tcp("127.0.0.1", port)?;
                stream.write_all(b"hello\n")?;
                stream.send_eof()?;
                let mut answer = String::new();
                stream.read_to_string(&mut answer)?;
                Ok(answer)
            })?;
            print!("{answer}");
            Ok(())
        })
    })
}
