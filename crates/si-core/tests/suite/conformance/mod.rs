//! Every way of plugging the method in does the same with every optimizer, whatever the loop around it.
//!
//! A [way](ways) and an [optimizer](optimizers) learn three small tasks under a [setup](setup), and
//! their [state](state), the parameters with ω, Ω and θ̃, is compared at each task's end:
//!
//! | way | to the bit | else |
//! |---|---|---|
//! | regularizer alone | it is what the others are compared with | |
//! | learner | yes, with optimizers in one pass too | |
//! | adaptor | yes | with clipping it is the regularizer on clipped gradients, to the bit |
//! | penalty in the loss | no: the task's gradient is recovered by a subtraction | within rounding |
//! | plain numbers | no: they are in double precision | within rounding |
//!
//! The plain numbers are the method written out once more in loops over `f64`, with nothing of the
//! library in them but its configuration; see [`ways::plain`].

mod agreement;
mod model;
mod optimizers;
mod properties;
mod settings;
mod setup;
mod state;
mod ways;
