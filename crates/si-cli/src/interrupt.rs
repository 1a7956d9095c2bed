use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use crate::exit::INTERRUPTED;

/// Passes Ctrl-C, SIGTERM and SIGHUP on to the current listener: schedulers stop a job by SIGTERM.
///
/// A process has only one handler for them, but may train several experiments in turn.
pub(crate) struct Interrupt {
    listener: Arc<Mutex<Option<Listener>>>,
}

/// Returns whether the signal was received.
type Listener = Box<dyn Fn() -> bool + Send>;

impl Interrupt {
    /// Catches these signals from now on. A second one, or one without a listener, ends the process.
    pub(crate) fn catch() -> anyhow::Result<Self> {
        let listener: Arc<Mutex<Option<Listener>>> = Arc::default();
        let current = Arc::clone(&listener);
        ctrlc::set_handler(move || {
            let listener = current
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if !listener.is_some_and(|listener| listener()) {
                process::exit(INTERRUPTED.into());
            }
        })?;
        Ok(Self { listener })
    }

    /// Makes `listener` the only listener from now on.
    pub(crate) fn tell(&self, listener: impl Fn() -> bool + Send + 'static) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(listener));
    }
}
