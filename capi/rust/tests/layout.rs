//! What `sys` declares, compared with the header by the C compiler.

use std::fmt::Write as _;
use std::mem::{size_of, MaybeUninit};
use std::path::PathBuf;
use std::process::Command;
use std::ptr::addr_of;
use std::{env, fs};

use structio::sys::*;

/// A condition of C that has to be true.
type Facts = Vec<String>;

macro_rules! structs {
    ($facts:ident: $($name:ident { $($field:ident),* })*) => {$(
        // What tells its size to the library may be longer in a newer one.
        let relation = if [$(stringify!($field)),*].contains(&"struct_size") { ">=" } else { "==" };
        $facts.push(format!("sizeof({}) {relation} {}", stringify!($name), size_of::<$name>()));
        $({
            let storage = MaybeUninit::<$name>::uninit();
            let begin = storage.as_ptr();
            // SAFETY: nothing is read, only an address within the storage is taken.
            let field = unsafe { addr_of!((*begin).$field) } as usize;
            let name = stringify!($field).trim_end_matches('_');
            let offset = field - begin as usize;
            $facts.push(format!("offsetof({}, {name}) == {offset}", stringify!($name)));
        })*
    )*};
}

macro_rules! constants {
    ($facts:ident: $($name:ident)*) => {
        $($facts.push(format!("{} == {}LL", stringify!($name), i64::from($name)));)*
    };
}

fn facts() -> Facts {
    let mut facts = Facts::new();
    structs! { facts:
        structio_scope {} structio_nursery {} structio_waiter {} structio_event {}
        structio_mutex {} structio_semaphore {} structio_post {}
        structio_payload_type { struct_size, name, runtime, drop, describe }
        structio_run_options {
            struct_size, version, budget, seed, name, stack_size, cxa_get_globals, interrupt,
            no_overflow_report, no_deadlock_check, reserved, clock, failure, on_interrupt,
            on_interrupt_arg, task_enter, task_leave, task_hooks_arg
        }
        structio_task_options { struct_size, name, stack_size, storage_size, storage_init }
        structio_scope_options {
            struct_size, deadline, deadline_kind, shield, ends_on_stop, hold_interrupt
        }
        structio_item_type { struct_size, size, move_, destroy, copy }
        structio_tcp_listen_options { struct_size, host, port, reuse_port, ipv6_only, backlog }
        structio_tcp_connect_options { struct_size, host, port, attempt_delay, local_host }
        structio_serve_options {
            struct_size, handler_owns_stream, log_errors, handler_nursery, max_connections,
            on_error, on_error_arg
        }
        structio_cancel_info { struct_size, source, reserved, reason, task_name, task }
        structio_thread_tokens { struct_size, limiter, acquire_on_behalf, release_on_behalf }
        structio_thread_options {
            struct_size, limiter, tokens, name, drop, abandon_on_cancel, reserved
        }
        structio_virtual_clock_options { struct_size, start, autojump, rate }
    }
    facts.push(format!("STRUCTIO_VERSION >> 16 == {}", STRUCTIO_VERSION >> 16));
    facts.push(format!("STRUCTIO_VERSION >= {STRUCTIO_VERSION}"));
    constants! { facts:
        STRUCTIO_FOREVER STRUCTIO_UNLIMITED
        STRUCTIO_ECANCELLED STRUCTIO_EINVALID STRUCTIO_EMISUSE STRUCTIO_ENOTASK STRUCTIO_ECLOSED
        STRUCTIO_EBROKEN STRUCTIO_EBUSY STRUCTIO_EWOULDBLOCK STRUCTIO_EEND STRUCTIO_ETOOSLOW
        STRUCTIO_ENOMEM STRUCTIO_ESTALE STRUCTIO_ERUNFINISHED STRUCTIO_EDEADLOCK
        STRUCTIO_EINTERRUPTED STRUCTIO_EINTERNAL STRUCTIO_EGROUP STRUCTIO_EPAYLOAD
        STRUCTIO_FAILURE_STATUS STRUCTIO_FAILURE_PAYLOAD STRUCTIO_FAILURE_CANCELLED
        STRUCTIO_FAILURE_GROUP
        STRUCTIO_DEADLINE_NONE STRUCTIO_DEADLINE_ABSOLUTE STRUCTIO_DEADLINE_RELATIVE
    }
    for (name, mode) in [
        ("AUTO", structio::Interrupt::Auto),
        ("IGNORE", structio::Interrupt::Ignore),
        ("HANDLE", structio::Interrupt::Handle),
    ] {
        facts.push(format!("STRUCTIO_INTERRUPT_{name} == {}", mode as i64));
    }
    facts
}

/// A type of Rust, as `sys` writes it, in C.
fn c_type(rust: &str) -> String {
    if let Some(target) = rust.strip_prefix("*mut ") {
        return c_type(target) + "*";
    }
    if let Some(target) = rust.strip_prefix("*const ") {
        return c_type(target) + " const*";
    }
    let inner = rust.strip_prefix("Option<").and_then(|inner| inner.strip_suffix('>'));
    match inner.unwrap_or(rust) {
        "c_char" => "char",
        "c_int" => "int",
        "c_void" => "void",
        "i64" => "int64_t",
        "u16" => "uint16_t",
        "u32" => "uint32_t",
        "usize" => "size_t",
        named => named,
    }
    .to_string()
}

/// What `sys` declares as prototypes of C, which the compiler refuses if the header's are others.
fn prototypes() -> Vec<String> {
    let source = include_str!("../src/sys/mod.rs");
    let mut prototypes = Vec::new();
    for declaration in source.split("pub fn ").skip(1) {
        let declaration = &declaration[..declaration.find(';').unwrap()];
        let (name, rest) = declaration.split_once('(').unwrap();
        let (arguments, result) = rest.split_once(')').unwrap();
        let arguments: Vec<String> = arguments
            .split(',')
            .filter_map(|argument| argument.split_once(':'))
            .map(|(_, argument)| c_type(argument.trim()))
            .collect();
        let arguments = if arguments.is_empty() { "void".into() } else { arguments.join(", ") };
        let result = c_type(result.trim().strip_prefix("-> ").unwrap());
        prototypes.push(format!("{result} {name}({arguments});"));
    }
    prototypes
}

fn include_dir() -> PathBuf {
    env::var_os("STRUCTIO_INCLUDE_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../include"),
        PathBuf::from,
    )
}

#[test]
fn what_is_declared_is_what_the_header_has() {
    let compiler = env::var("STRUCTIO_TEST_CC").unwrap_or_else(|_| "cc".to_string());
    if Command::new(&compiler).arg("--version").output().is_err() {
        eprintln!("skipped: there is no C compiler");
        return;
    }
    let mut source = String::from(
        "#include <stddef.h>\n#include <structio/structio.h>\n\
         #include <structio/structio_testing.h>\n",
    );
    for (index, fact) in facts().iter().enumerate() {
        writeln!(source, "typedef char fact_{index}[({fact}) ? 1 : -1]; /* {fact} */").unwrap();
    }
    let prototypes = prototypes();
    assert!(prototypes.len() > 100);
    source += &prototypes.join("\n");
    source.push('\n');
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("layout.c");
    fs::write(&file, source).unwrap();
    let output = Command::new(&compiler)
        .args(["-std=c99", "-fsyntax-only", "-I"])
        .arg(include_dir())
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_library_is_of_the_version_that_was_declared() {
    // SAFETY: no arguments; any thread.
    let version = unsafe { structio_version() };
    assert!(version >> 16 == STRUCTIO_VERSION >> 16 && version >= STRUCTIO_VERSION);
}
