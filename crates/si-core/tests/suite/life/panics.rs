use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// The message of the panic that was caught last. `None` outside [`caught`].
    static MESSAGE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The result of `run`, with a panic as an error. As it is built here, proptest does not catch panics, but a
/// sequence that panics must be shrunk too. The panic is not printed.
pub(crate) fn caught<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_ours = MESSAGE.with_borrow_mut(|message| {
                message.as_mut().map(|it| *it = info.to_string()).is_some()
            });
            if !is_ours {
                others(info);
            }
        }));
    });
    MESSAGE.set(Some(String::new()));
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    let message = MESSAGE.take().unwrap_or_default();
    result.unwrap_or(Err(message))
}
