// Tokio's share of the workloads, one binary: `tokio_bench --workload NAME --n N`. The scheduler of
// one thread, as everybody else has. Tokio has no channel without a buffer: `channel` uses one of
// capacity 1.
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{mpsc, Mutex, Notify};
use tokio::task::{spawn_blocking, yield_now, JoinHandle};
use tokio::time::{sleep, timeout};

extern "C" {
    fn clock_gettime(which: i32, out: *mut [i64; 2]) -> i32;
    fn sched_setaffinity(pid: i32, size: usize, mask: *const [u64; 16]) -> i32;
}

// CPU time of the process: being pre-empted by a neighbour must not count.
fn cpu_now() -> i64 {
    let mut t = [0i64; 2];
    unsafe { clock_gettime(2, &mut t) };
    t[0] * 1_000_000_000 + t[1]
}

fn pin(cpu: i64) {
    if cpu >= 0 {
        let mut mask = [0u64; 16];
        mask[cpu as usize / 64] = 1 << (cpu % 64);
        unsafe { sched_setaffinity(0, std::mem::size_of_val(&mask), &mask) };
    }
}

async fn round_trips(n: i64) -> i64 {
    let (there_tx, mut there_rx) = mpsc::channel::<i64>(1);
    let (back_tx, mut back_rx) = mpsc::channel::<i64>(1);
    let ping = tokio::spawn(async move {
        let mut sum = 0;
        for i in 0..n {
            there_tx.send(i).await.unwrap();
            sum += back_rx.recv().await.unwrap();
        }
        sum
    });
    let pong = tokio::spawn(async move {
        for _ in 0..n {
            back_tx.send(there_rx.recv().await.unwrap()).await.unwrap();
        }
    });
    let sum = ping.await.unwrap();
    pong.await.unwrap();
    sum
}

async fn one_way(n: i64) -> i64 {
    let (tx, mut rx) = mpsc::channel::<i64>(128);
    tokio::spawn(async move {
        for i in 0..n {
            tx.send(i).await.unwrap();
        }
    });
    let consumer = tokio::spawn(async move {
        let mut sum = 0;
        while let Some(item) = rx.recv().await {
            sum += item;
        }
        sum
    });
    consumer.await.unwrap()
}

// A hundred tasks: lock, count, yield, unlock.
async fn mutex(n: i64) -> i64 {
    let count = Arc::new(Mutex::new(0i64));
    let mut all = Vec::new();
    for _ in 0..100 {
        let count = count.clone();
        all.push(tokio::spawn(async move {
            for _ in 0..n / 100 {
                let mut held = count.lock().await;
                *held += 1;
                yield_now().await;
            }
        }));
    }
    for task in all {
        task.await.unwrap();
    }
    let total = *count.lock().await;
    total
}

// The same sequence as bench_random in bench.h.
struct Random(u64);

impl Random {
    fn below_a_second(&mut self) -> Duration {
        self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
        Duration::from_nanos((z ^ (z >> 31)) % 1_000_000_000)
    }
}

fn resident() -> i64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<i64>().unwrap() * 4096
}

async fn join_all(all: Vec<JoinHandle<()>>) {
    for task in all {
        let _ = task.await; // an aborted one says so
    }
}

async fn switches(n: i64) {
    let all = (0..2).map(|_| {
        tokio::spawn(async move {
            for _ in 0..n / 2 {
                yield_now().await;
            }
        })
    });
    join_all(all.collect()).await;
}

async fn spawns(n: i64) {
    for _ in 0..n {
        tokio::spawn(async {}).await.unwrap();
    }
}

async fn batch() {
    join_all((0..10_000).map(|_| tokio::spawn(yield_now())).collect()).await;
}

async fn batches(n: i64) {
    for _ in 0..n / 10_000 {
        batch().await;
    }
}

async fn sleepers(n: i64) {
    let mut random = Random(1);
    join_all((0..n).map(|_| tokio::spawn(sleep(random.below_a_second()))).collect()).await;
}

async fn lateness(n: i64) -> f64 {
    let mut late = Vec::new();
    for _ in 0..n {
        let deadline = Instant::now() + Duration::from_millis(1);
        sleep(Duration::from_millis(1)).await;
        late.push((Instant::now() - deadline).as_nanos() as f64 / 1000.0);
    }
    late.sort_by(f64::total_cmp);
    late[late.len() / 2]
}

// Tokio has no scopes; each task is aborted by its handle.
async fn cancel_all(n: i64) -> f64 {
    let mut random = Random(1);
    let hour = Duration::from_secs(3600);
    let all: Vec<_> = (0..n).map(|_| tokio::spawn(sleep(hour + random.below_a_second()))).collect();
    // The scheduler runs what was spawned in order: this one is the last to sleep.
    tokio::spawn(async {}).await.unwrap();
    let begin = cpu_now();
    for task in &all {
        task.abort();
    }
    join_all(all).await;
    (cpu_now() - begin) as f64 / n as f64
}

// Around a call that does not wait: tokio arms no timer before the call has to wait.
async fn timeouts(n: i64) {
    let mut calls = 0;
    while calls < n {
        timeout(Duration::from_secs(1), async { calls += 1 }).await.unwrap();
    }
}

async fn memory(n: i64) -> (f64, f64) {
    let never = Arc::new(Notify::new());
    let before = resident();
    let begin = cpu_now();
    for _ in 0..n {
        let never = never.clone();
        tokio::spawn(async move { never.notified().await });
    }
    tokio::spawn(async {}).await.unwrap();
    let spent = cpu_now() - begin;
    ((resident() - before) as f64 / n as f64, spent as f64 / n as f64)
}

async fn thread_calls(n: i64) {
    for _ in 0..n {
        spawn_blocking(|| {}).await.unwrap();
    }
}

async fn thread_wakes(n: i64) {
    let (tx, mut rx) = mpsc::unbounded_channel::<i64>();
    let sender = std::thread::spawn(move || {
        for i in 0..n {
            tx.send(i).unwrap();
        }
    });
    for _ in 0..n {
        rx.recv().await.unwrap();
    }
    sender.join().unwrap();
}

async fn serve(mut socket: TcpStream) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut buffer = vec![0u8; 64 * 1024];
    loop {
        let got = socket.read(&mut buffer).await?;
        if got == 0 {
            return Ok(());
        }
        socket.write_all(&buffer[..got]).await?;
    }
}

fn say_port(port: u16) {
    println!("{{\"peer\": \"tokio\", \"port\": {port}}}");
}

fn listen() -> std::io::Result<TcpListener> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind("127.0.0.1:0".parse().unwrap())?;
    socket.listen(1024)
}

async fn echo() -> std::io::Result<()> {
    let listener = listen()?;
    say_port(listener.local_addr()?.port());
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::spawn(serve(socket));
    }
}

async fn udp() -> std::io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    say_port(socket.local_addr()?.port());
    let mut buffer = vec![0u8; 64 * 1024];
    loop {
        let (got, from) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..got], from).await?;
    }
}

fn report(workload: &str, value: f64, unit: &str, n: i64) {
    println!(
        "{{\"workload\": \"{workload}\", \"peer\": \"tokio\", \"value\": {value:.6}, \
         \"unit\": \"{unit}\", \"n\": {n}}}"
    );
}

struct Bench {
    runtime: tokio::runtime::Runtime,
    workload: String,
    n: i64,
}

impl Bench {
    // CPU a piece, in nanoseconds.
    fn each(&self, work: impl Future<Output = ()>) {
        let begin = cpu_now();
        self.runtime.block_on(work);
        report(&self.workload, (cpu_now() - begin) as f64 / self.n as f64, "ns", self.n);
    }
    fn sum(&self, work: impl Future<Output = i64>, expected: i64) {
        self.each(async { assert_eq!(work.await, expected) });
    }
    // Wall time a piece, in microseconds.
    fn wall(&self, work: impl Future<Output = ()>) {
        let begin = Instant::now();
        self.runtime.block_on(work);
        let us = begin.elapsed().as_nanos() as f64 / self.n as f64 / 1000.0;
        report(&self.workload, us, "us", self.n);
    }

    fn run(&self) {
        let n = self.n;
        let name = self.workload.as_str();
        match name {
            "switch" => self.each(switches(n)),
            "spawn" => self.each(spawns(n)),
            "batch_spawn" => {
                self.runtime.block_on(batch());
                self.each(batches(n));
            }
            "channel" => self.sum(round_trips(n), n * (n - 1) / 2),
            "channel_128" => self.sum(one_way(n), n * (n - 1) / 2),
            "mutex" => self.sum(mutex(n), n / 100 * 100),
            "timeout" => self.each(timeouts(n)),
            "sleepers" => {
                let begin = cpu_now();
                self.runtime.block_on(sleepers(n));
                report(name, (cpu_now() - begin) as f64 / n as f64 / 1000.0, "us CPU", n);
            }
            "lateness" => report(name, self.runtime.block_on(lateness(n)), "us", n),
            "cancel_all" => report(name, self.runtime.block_on(cancel_all(n)), "ns", n),
            "memory_10k" | "memory_1m" => {
                let (bytes, ns) = self.runtime.block_on(memory(n));
                report(name, bytes, "bytes", n);
                report("cold_task", ns, "ns", n);
                std::process::exit(0);
            }
            "thread_call" => {
                self.runtime.block_on(thread_calls(1000));
                self.wall(thread_calls(n));
            }
            "thread_wake" => self.wall(thread_wakes(n)),
            _ => std::process::exit(2),
        }
    }
}

// As long as ours, or a few tenths of a second.
fn usual_count(workload: &str) -> i64 {
    match workload {
        "channel_128" => 5_000_000,
        "sleepers" | "cancel_all" | "thread_call" => 100_000,
        "lateness" => 1000,
        "memory_10k" => 10_000,
        _ => 1_000_000,
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1)).cloned()
    };
    let number =
        |name: &str, otherwise: i64| option(name).and_then(|v| v.parse().ok()).unwrap_or(otherwise);
    let workload = option("--workload").unwrap_or_else(|| "echo".to_string());
    pin(number("--cpu", -1));
    let mut builder = tokio::runtime::Builder::new_current_thread();
    // Only what the workload needs: a reactor is polled every 61 tasks.
    match workload.as_str() {
        "echo" | "udp" => builder.enable_io(),
        "sleepers" | "lateness" | "cancel_all" | "timeout" => builder.enable_time(),
        _ => &mut builder,
    };
    let runtime = builder.build().unwrap();
    match workload.as_str() {
        "echo" => runtime.block_on(echo()).unwrap(),
        "udp" => runtime.block_on(udp()).unwrap(),
        _ => {
            let n = number("--n", usual_count(&workload));
            Bench { runtime, workload, n }.run();
        }
    }
}
