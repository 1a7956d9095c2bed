//! The life of a learner: random sequences of what users do to one, each action compared with a plain model of what
//! must hold after it.
//!
//! - [`actions`]: what users do, and how a sequence is drawn.
//! - [`modules`]: small modules of random layers, with heads of which a step uses one.
//! - [`ways`]: how the method is plugged in.
//! - [`plain`]: the method in loops over `f64`, with the parameters' life in it, and nothing of the library.
//! - [`life`]: lives a sequence.
//! - [`checks`]: what is compared after each action.
//! - [`named`]: what was found so, each as a program of its own.
//!
//! It runs for some seconds. `SI_LIFE_CASES` is the number of sequences, for a run of minutes, and `SI_LIFE_SEED` gives
//! others. A sequence that fails is shrunk and printed as a list of actions.

mod actions;
mod checks;
mod life;
mod modules;
mod named;
mod numbers;
mod panics;
mod plain;
mod ways;

use std::cell::RefCell;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::life::actions::a_life;
use crate::life::life::Tally;

/// About ten seconds.
const CASES: u32 = 400;

#[expect(
    clippy::print_stdout,
    reason = "how much was lived is of interest, and shown where it is asked for"
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
        let lived = panics::caught(|| life::live(&life, &mut tally.borrow_mut()));
        lived.map_err(TestCaseError::fail)
    });
    match lived {
        Ok(()) => println!("{cases} lives: {}", tally.into_inner()),
        Err(TestError::Fail(reason, life)) => panic!("{reason}\nin the life of\n{life:?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
