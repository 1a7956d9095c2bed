//! Settings that make a training process on the CPU faster.

use std::env;
use std::ffi::OsString;
use std::process::Command;

/// The environment variable with glibc's settings for memory allocation.
pub const TUNABLES: &str = "GLIBC_TUNABLES";

/// `TUNABLES` of a training process. Each operation of a step has large buffers. By default, glibc returns them to the
/// system as soon as they are free, and then has to request them again page by page.
///
/// With these settings, free memory stays with the process, and no buffer has a separate mapping. All threads share one
/// heap, because glibc always returns the memory of other heaps. The heap uses huge pages if the system has them: with
/// normal pages, a network's tensors need more pages than the processor can keep track of.
const KEPT_BUFFERS: &str = "glibc.malloc.trim_threshold=1099511627776:glibc.malloc.mmap_max=0:\
     glibc.malloc.arena_max=1:glibc.malloc.hugetlb=1";

/// Makes the process that `command` starts keep its buffers. Settings in this process's own `TUNABLES` take precedence.
pub fn keep_buffers(command: &mut Command) -> &mut Command {
    command.env(TUNABLES, kept_buffers(env::var_os(TUNABLES)))
}

/// If a setting has two values, glibc uses the later one.
fn kept_buffers(own: Option<OsString>) -> OsString {
    let mut value = OsString::from(KEPT_BUFFERS);
    if let Some(own) = own.filter(|own| !own.is_empty()) {
        value.push(":");
        value.push(own);
    }
    value
}

/// Runs `train` in Flex's thread pool. A thread outside the pool would sleep during each operation that is divided
/// among the pool's threads.
pub fn in_pool<R: Send>(train: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| train())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_user_come_last() {
        let own = "glibc.malloc.hugetlb=0";
        let value = kept_buffers(Some(OsString::from(own)));
        assert_eq!(value, *format!("{KEPT_BUFFERS}:{own}"));
        for none in [None, Some(OsString::new())] {
            assert_eq!(kept_buffers(none), *KEPT_BUFFERS);
        }
    }

    #[test]
    fn the_page_on_backends_shows_the_setting_for_kept_buffers() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/backends.md");
        let page = std::fs::read_to_string(page).expect("the page is there");
        assert!(page.contains(&format!("{TUNABLES}={KEPT_BUFFERS} ")));
    }
}
