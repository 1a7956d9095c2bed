//! Every way of plugging the method in has the same result, with every optimizer and whatever the loop around it.
//!
//! A [way](ways) and an [optimizer](optimizers) learn three small tasks under a [setup](setup). At each task's
//! end, the tests compare their [state](state): the parameters with ω, Ω and θ̃.
//!
//! | way | same bit for bit | otherwise |
//! |---|---|---|
//! | regularizer alone | the reference for the others | |
//! | learner | yes, also with optimizers in one pass | |
//! | adaptor | yes | with clipping, the same bit for bit as the regularizer on clipped gradients |
//! | penalty in the loss | no: a subtraction recovers the task's gradient | within rounding |
//! | plain numbers | no: they are in double precision | within rounding |
//!
//! The plain numbers are the method written once more in loops over `f64`. They use nothing of the library except
//! its configuration: see [`ways::plain`].

mod agreement;
mod model;
mod optimizers;
mod properties;
mod settings;
mod setup;
mod state;
mod ways;
