use std::cell::RefCell;
use std::sync::Once;

use log::{LevelFilter, Log, Metadata, Record};

/// The messages that si-core has logged on this thread since the last call, without those about the device.
pub(crate) fn warnings() -> Vec<String> {
    thread_local! {
        static LOGGED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }
    struct ToThread;
    impl Log for ToThread {
        fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &Record<'_>) {
            let is_about_device = record.target() == "si_core::matmul_precision";
            if record.target().starts_with("si_core") && !is_about_device {
                LOGGED.with_borrow_mut(|logged| logged.push(record.args().to_string()));
            }
        }

        fn flush(&self) {}
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&ToThread).expect("no other logger is set");
        log::set_max_level(LevelFilter::Warn);
    });
    LOGGED.take()
}
