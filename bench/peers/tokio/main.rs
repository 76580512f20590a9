// Tokio's share of the workloads, one binary: `tokio_bench --workload NAME --n N`. The scheduler of
// one thread, as everybody else has. Tokio has no channel without a buffer: `channel` uses one of
// capacity 1.
use std::sync::Arc;
use tokio::sync::{mpsc, Mutex};
use tokio::task::yield_now;

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

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1)).cloned()
    };
    let number = |name: &str, otherwise: i64| {
        option(name).and_then(|v| v.parse().ok()).unwrap_or(otherwise)
    };
    let workload = option("--workload").unwrap_or_else(|| "channel".to_string());
    pin(number("--cpu", -1));
    let n = number("--n", if workload == "channel_128" { 5_000_000 } else { 1_000_000 });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let begin = cpu_now();
    let (result, expected) = match workload.as_str() {
        "channel" => (runtime.block_on(round_trips(n)), n * (n - 1) / 2),
        "channel_128" => (runtime.block_on(one_way(n)), n * (n - 1) / 2),
        "mutex" => (runtime.block_on(mutex(n)), n / 100 * 100),
        _ => std::process::exit(2),
    };
    let spent = cpu_now() - begin;
    if result != expected {
        std::process::exit(1);
    }
    println!(
        "{{\"workload\": \"{}\", \"peer\": \"tokio\", \"value\": {:.6}, \"unit\": \"ns\", \"n\": {}}}",
        workload,
        spent as f64 / n as f64,
        n
    );
}
