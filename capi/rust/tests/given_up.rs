//! What cannot be reported ends the process: looked at from outside, in a process of its own.

use std::env;
use std::process::{Command, Output};

use structio::{run, CancelScope, Event};

/// Runs one of the tests below that are ignored otherwise.
fn in_a_process(test: &str) -> Output {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .output()
        .unwrap()
}

#[test]
#[ignore = "ends its process"]
fn ignores_that_waiting_fails() {
    let _ = run(|| -> structio::Result<()> {
        let (event, scope) = (Event::new(), CancelScope::new());
        scope.set_shield(true)?;
        scope.enter(|| -> structio::Result<()> {
            loop {
                let _ = event.wait();
            }
        })?;
        Ok(())
    });
    println!("the run has returned");
}

#[test]
fn a_main_task_that_never_ends_in_a_deadlock_ends_the_process() {
    let output = in_a_process("ignores_that_waiting_fails");
    assert!(!output.status.success());
    let (out, err) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
    assert!(!out.unwrap().contains("has returned"));
    let err = err.unwrap();
    assert!(err.contains("structio: the run was given up"), "{err}");
}

#[test]
#[cfg(target_os = "linux")]
fn it_ends_also_when_nothing_can_be_said_about_it() {
    let mut full = std::fs::OpenOptions::new();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "ignores_that_waiting_fails", "--ignored", "--nocapture"])
        .stderr(full.write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), None, "{:?}", output.status);
}

#[test]
#[ignore = "ends its process"]
fn overflows_its_stack() {
    /// Hands out its own frame, so that no compiler makes a loop of it.
    #[allow(unconditional_recursion)]
    fn deeper(before: &[u64; 64]) -> u64 {
        let room = [before[7] + 1; 64];
        deeper(&room) + room[3]
    }
    run(|| structio::open_nursery(|n| n.spawn(|| assert_eq!(deeper(&[0; 64]), 0)))).unwrap();
}

#[test]
fn a_stack_that_overflows_ends_the_process() {
    let output = in_a_process("overflows_its_stack");
    assert!(!output.status.success());
    assert!(!String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}
