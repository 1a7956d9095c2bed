//! What a process that trains on the CPU is the faster for.

use std::env;
use std::ffi::OsString;
use std::process::Command;

/// The environment variable that tells glibc how to allocate.
pub const TUNABLES: &str = "GLIBC_TUNABLES";

/// `TUNABLES` of a process that trains. Each operation of a step has large buffers, which glibc would give
/// back to the system as soon as they are free, and take anew page by page.
///
/// Whatever is free stays with the process; no buffer is mapped by itself; all threads share one heap, since
/// those of other threads are given back whatever is set; and the heap is made of huge pages, where the
/// system has them to give: a network's tensors are more pages of the usual size than the processor remembers.
const KEPT_BUFFERS: &str = "glibc.malloc.trim_threshold=1099511627776:glibc.malloc.mmap_max=0:\
     glibc.malloc.arena_max=1:glibc.malloc.hugetlb=1";

/// Has the process that `command` starts keep its buffers, but for what this process was itself told by
/// `TUNABLES`.
pub fn keep_buffers(command: &mut Command) -> &mut Command {
    command.env(TUNABLES, kept_buffers(env::var_os(TUNABLES)))
}

/// Of two values for one setting glibc takes the later.
fn kept_buffers(own: Option<OsString>) -> OsString {
    let mut value = OsString::from(KEPT_BUFFERS);
    if let Some(own) = own.filter(|own| !own.is_empty()) {
        value.push(":");
        value.push(own);
    }
    value
}

/// Runs `train` in the pool of threads that Flex divides its work among. A thread outside it would sleep
/// until the pool has done each operation that is divided.
pub fn in_pool<R: Send>(train: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| train())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_sets_comes_last() {
        let own = "glibc.malloc.hugetlb=0";
        let value = kept_buffers(Some(OsString::from(own)));
        assert_eq!(value, *format!("{KEPT_BUFFERS}:{own}"));
        for none in [None, Some(OsString::new())] {
            assert_eq!(kept_buffers(none), *KEPT_BUFFERS);
        }
    }

    #[test]
    fn the_page_on_backends_has_the_line_that_starts_a_program_so() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/backends.md");
        let page = std::fs::read_to_string(page).expect("the page is there");
        assert!(page.contains(&format!("{TUNABLES}={KEPT_BUFFERS} ")));
    }
}
