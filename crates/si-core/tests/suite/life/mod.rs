//! The life of a learner: random sequences of what users do to it. After each action, the learner is compared with
//! a plain model.
//!
//! - [`actions`]: what users do, and how a sequence is drawn.
//! - [`modules`]: small modules of random layers, with several heads. A step uses one of them.
//! - [`ways`]: how the method is plugged in.
//! - [`plain`]: the method in loops over `f64`, including how parameters come and go. It uses nothing of the
//!   library.
//! - [`living`]: runs a sequence.
//! - [`checks`]: what is compared after each action.
//! - [`named`]: faults found in this way, each as a separate test.
//!
//! The test runs for some seconds. `SI_LIFE_CASES` sets the number of sequences, for a longer run, and
//! `SI_LIFE_SEED` selects other sequences. A failing sequence is shrunk and printed as a list of actions.

mod actions;
mod checks;
mod living;
mod modules;
mod named;
mod numbers;
mod panics;
mod plain;
mod ways;

use std::cell::RefCell;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::life::actions::a_life;
use crate::life::living::Tally;

/// About ten seconds.
const CASES: u32 = 400;

#[expect(
    clippy::print_stdout,
    reason = "the number of actions is of interest, and is shown on request"
)]
#[test]
fn learner_has_the_numbers_of_the_plain_model_whatever_users_do() {
    let variable = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let cases = variable("SI_LIFE_CASES").map_or(CASES, |cases| cases as u32);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&variable("SI_LIFE_SEED").unwrap_or(1).to_le_bytes());
    let config = Config {
        cases,
        max_shrink_iters: 2000,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let tally = RefCell::new(Tally::default());
    let lived = TestRunner::new_with_rng(config, rng).run(&a_life(), |life| {
        let lived = panics::caught(|| living::live(&life, &mut tally.borrow_mut()));
        lived.map_err(TestCaseError::fail)
    });
    match lived {
        Ok(()) => println!("{cases} lives: {}", tally.into_inner()),
        Err(TestError::Fail(reason, life)) => panic!("{reason}\nin the life of\n{life:?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
