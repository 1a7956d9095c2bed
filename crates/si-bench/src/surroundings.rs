//! What a process that trains on the CPU is the faster for.

/// Environment variables for a process that trains, with which glibc keeps large buffers for the next
/// operation, as each of a step has some. It would give them back to the system as soon as they are free,
/// and take them anew page by page.
///
/// More than any network needs may stay free, no buffer is mapped by itself up to the largest size that
/// glibc takes, and all threads share one heap, since those of other threads are given back whatever is set.
pub const KEPT_BUFFERS: [(&str, &str); 3] = [
    ("MALLOC_TRIM_THRESHOLD_", "1073741824"),
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
    ("MALLOC_ARENA_MAX", "1"),
];

/// Runs `train` in the pool of threads that Flex divides its work among. A thread outside it would sleep
/// until the pool has done each operation that is divided.
pub fn in_pool<R: Send>(train: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| train())
}
