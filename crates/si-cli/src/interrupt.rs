use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use crate::exit::INTERRUPTED;

/// Tells whoever works at the moment that the user has pressed Ctrl-C.
///
/// A process has one handler for it, and may train several experiments.
pub(crate) struct Interrupt {
    listener: Arc<Mutex<Option<Listener>>>,
}

/// Returns whether anybody still listens.
type Listener = Box<dyn Fn() -> bool + Send>;

impl Interrupt {
    /// Catches Ctrl-C from now on. The second one, and one that nobody listens to, ends the process.
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

    /// Tells `listener` from now on, and nobody else.
    pub(crate) fn tell(&self, listener: impl Fn() -> bool + Send + 'static) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(listener));
    }
}
