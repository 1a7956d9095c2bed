//! Data-parallel workers: forks of one training. Each computes the gradients of its share of the batch, and all
//! step on the mean.
//!
//! Workers that are the same before a step are the same after it, however the method is plugged in: it depends
//! only on the gradients that it gets. So every worker has exactly the same ω, Ω and θ (bit for bit), and only
//! gradients need to be exchanged.

mod data;
mod mean;
mod network;
mod threads;
mod ways;

use data::{Example, TASKS, joint_batch, shares};
use mean::{mean_information, mean_of};
use network::Network;
use ways::{State, WAYS, Way, Worker};

/// The number of steps in each task.
const STEPS: usize = 6;

/// Largest deviation from one learner on the joint batch, relative to a tensor's largest number: a thousand
/// roundings of float32. Sums over a batch are taken in another order, and Adam divides by the small gradients
/// that result.
const ROUNDING: f64 = 1e-4;

/// The workers' state at the end of each task.
type Trajectory = Vec<Vec<State>>;

/// Trains `workers` on one task, in turns on this thread.
fn learn_task(workers: &mut [Box<dyn Worker>], task: usize) {
    for step in 0..STEPS {
        let batch = joint_batch(task, step);
        let shares = shares(&batch, workers.len());
        let parts = workers.iter().zip(&shares);
        let parts = parts.map(|(worker, share)| (worker.gradients(share), share.len()));
        let means = mean_of(workers[0].network(), parts.collect());
        for (worker, mean) in workers.iter_mut().zip(means) {
            worker.step(mean);
        }
    }
    let examples = joint_batch(task, STEPS);
    let shares = shares(&examples, workers.len());
    let measured = workers.iter().zip(&shares);
    let measured = measured.map(|(worker, share)| (worker.measure(share), share.len()));
    let information = mean_information(workers[0].network(), measured.collect());
    for worker in workers {
        worker.end_task(&information);
    }
}

fn states(workers: &[Box<dyn Worker>]) -> Vec<State> {
    workers.iter().map(|worker| worker.state()).collect()
}

fn learn_in_turns(way: &Way, hidden: usize, num_workers: usize) -> Trajectory {
    let first = (way.start)(Network::new(hidden));
    let mut workers: Vec<_> = (0..num_workers).map(|_| first.fork()).collect();
    let tasks = 0..TASKS;
    tasks
        .map(|task| {
            learn_task(&mut workers, task);
            states(&workers)
        })
        .collect()
}

const HIDDEN: usize = 5;

#[test]
fn workers_have_the_same_state_to_the_bit_at_every_end_of_a_task() {
    for way in WAYS {
        for num_workers in [2, 3] {
            for (task, states) in learn_in_turns(way, HIDDEN, num_workers).iter().enumerate() {
                for state in &states[1..] {
                    assert_eq!(state, &states[0], "{}, task {task}", way.name);
                }
            }
        }
    }
}

#[test]
fn workers_learn_the_same_as_one_learner_from_the_joint_batch() {
    for way in WAYS {
        let alone = learn_in_turns(way, HIDDEN, 1);
        for num_workers in [2, 3] {
            let workers = learn_in_turns(way, HIDDEN, num_workers);
            for (task, (workers, alone)) in workers.iter().zip(&alone).enumerate() {
                let what = format!("{}, {num_workers} workers, task {task}", way.name);
                workers[0].assert_near(&alone[0], ROUNDING, &what);
            }
        }
    }
}

#[test]
fn workers_do_the_same_on_their_own_threads_as_in_turns() {
    for way in WAYS {
        for num_workers in [2, 3] {
            let threads = threads::learn(way, HIDDEN, num_workers);
            let turns = learn_in_turns(way, HIDDEN, num_workers);
            assert!(threads == turns, "{}, {num_workers} workers", way.name);
        }
    }
}

/// Several threads of rayon's pool, which all workers share, work on its weights.
#[test]
fn workers_of_a_large_network_do_the_same_on_their_own_threads_as_in_turns() {
    const LARGE: usize = 40_000;
    for way in WAYS.iter().filter(|way| way.is_fused) {
        let threads = threads::learn(way, LARGE, 2);
        assert!(threads == learn_in_turns(way, LARGE, 2), "{}", way.name);
        for states in threads {
            assert!(states[0] == states[1], "{}", way.name);
        }
    }
}

#[test]
fn workers_start_with_the_importance_of_the_training_they_fork() {
    for way in WAYS {
        let mut alone = vec![(way.start)(Network::new(HIDDEN))];
        learn_task(&mut alone, 0);
        let mut workers: Vec<_> = (0..3).map(|_| alone[0].fork()).collect();
        for states in states(&workers) {
            assert_eq!(states, alone[0].state(), "{}", way.name);
        }
        for task in 1..TASKS {
            learn_task(&mut alone, task);
            learn_task(&mut workers, task);
            let states = states(&workers);
            states[0].assert_near(&alone[0].state(), ROUNDING, way.name);
            assert!(
                states.iter().all(|state| *state == states[0]),
                "{}",
                way.name
            );
        }
    }
}

/// The cases in the tests above: a head that no share uses, one that some shares use, and one that all use.
#[test]
fn head_that_a_share_does_not_use_learns_from_the_shares_that_do() {
    let uses_second = |examples: &[Example]| examples.iter().any(|example| example.head == 1);
    let of_task = |task| {
        let shares = shares(&joint_batch(task, 0), 3);
        shares
            .iter()
            .map(|share| uses_second(share))
            .collect::<Vec<_>>()
    };
    assert_eq!(of_task(0), [false, false, false]);
    assert_eq!(of_task(1), [true, false, false]);
    assert_eq!(of_task(2), [true, true, true]);

    for way in WAYS {
        let trajectory = learn_in_turns(way, HIDDEN, 3);
        let head = |task: usize, worker: usize| &trajectory[task][worker].0["heads.1.weight"];
        let begun = Network::new(HIDDEN).numbers("heads.1.weight");
        for worker in 0..3 {
            let untouched = head(0, worker);
            assert_eq!(untouched.value, begun, "{}", way.name);
            assert_eq!(untouched.importance, None, "{}", way.name);
            let learnt = head(1, worker);
            assert_ne!(learnt.value, begun, "{}", way.name);
            let importance = learnt.importance.as_ref().expect("it was in a task");
            assert!(importance.iter().any(|it| *it > 0.0), "{}", way.name);
        }
    }
}

/// In the last task the first head rests. A parameter that no share has a gradient of stays as it is, with or
/// without importance.
#[test]
fn head_that_no_share_uses_keeps_its_values_and_importance() {
    for way in WAYS {
        let trajectory = learn_in_turns(way, HIDDEN, 2);
        let workers = trajectory[1].iter().zip(&trajectory[2]);
        for (before, after) in workers {
            let [before, after] = [before, after].map(|it| &it.0["heads.0.weight"]);
            assert_eq!(after.value, before.value, "{}", way.name);
            assert_eq!(after.importance, before.importance, "{}", way.name);
            assert!(before.importance.is_some(), "{}", way.name);
        }
    }
}
