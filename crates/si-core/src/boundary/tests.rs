use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::boundary::{
    Boundary, BoundaryDetector, BoundaryDetectorConfig, PeriodicDetectorConfig,
    PlateauDetectorConfig, ShiftDetectorConfig,
};

const STEPS_PER_TASK: usize = 200;
const NUM_TASKS: usize = 5;

/// The losses of tasks that are learnt one after the other: each falls from 2.5 to 0.1, with proportional
/// noise.
fn curve(noise: f64, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..NUM_TASKS * STEPS_PER_TASK)
        .map(|step| {
            let decay = (-((step % STEPS_PER_TASK) as f64) / 15.0).exp();
            let loss = 0.1 + 2.4 * decay;
            loss * (1.0 + noise * random.random_range(-1.0..1.0))
        })
        .collect()
}

fn boundaries(detector: &mut BoundaryDetector, losses: &[f64]) -> Vec<Boundary> {
    let observe = |loss: &f64| detector.observe(*loss);
    losses.iter().filter_map(observe).collect()
}

fn steps(boundaries: &[Boundary]) -> Vec<usize> {
    boundaries.iter().map(|boundary| boundary.step).collect()
}

fn shift() -> BoundaryDetector {
    ShiftDetectorConfig::new().init().expect("valid")
}

/// A detector with one boundary for each plateau.
fn plateau() -> BoundaryDetector {
    let config = PlateauDetectorConfig::new().with_window(10);
    let config = config.with_num_deviations(8.0);
    config.init().expect("valid")
}

fn all() -> [BoundaryDetector; 3] {
    let periodic = PeriodicDetectorConfig::new(STEPS_PER_TASK).init();
    [periodic.expect("valid"), plateau(), shift()]
}

#[test]
fn periods_end_where_tasks_of_their_length_do() {
    let mut detector = PeriodicDetectorConfig::new(3).init().expect("valid");
    assert_eq!(steps(&boundaries(&mut detector, &[1.0; 10])), [3, 6, 9]);
}

#[test]
fn a_period_of_one_step_ends_at_each_step_but_the_first() {
    let mut detector = PeriodicDetectorConfig::new(1).init().expect("valid");
    assert_eq!(steps(&boundaries(&mut detector, &[1.0; 4])), [1, 2, 3]);
}

#[test]
fn a_shift_is_noticed_two_steps_after_each_change_and_nowhere_else() {
    for (noise, seed) in [(0.0, 0), (0.2, 1), (0.5, 2)] {
        let found = boundaries(&mut shift(), &curve(noise, seed));
        let wanted = [1, 2, 3, 4].map(|task| Boundary {
            step: task * STEPS_PER_TASK + 2,
            num_late_steps: 2,
        });
        assert_eq!(found, wanted, "noise {noise}");
    }
}

#[test]
fn a_window_of_one_notices_a_shift_at_its_first_loss() {
    let config = ShiftDetectorConfig::new().with_window(1);
    let mut detector = config.init().expect("valid");
    let found = boundaries(&mut detector, &curve(0.2, 0));
    let wanted = [1, 2, 3, 4].map(|task| Boundary {
        step: task * STEPS_PER_TASK,
        num_late_steps: 0,
    });
    assert_eq!(found, wanted);
}

#[test]
fn a_batch_that_is_hard_by_chance_is_not_a_shift() {
    let mut losses = curve(0.2, 0)[..STEPS_PER_TASK].to_vec();
    for step in [100, 120, 121, 150] {
        losses[step] = 50.0;
    }
    assert_eq!(boundaries(&mut shift(), &losses), []);
}

#[test]
fn a_drifting_loss_without_noise_is_not_a_shift() {
    let losses: Vec<f64> = (0..500).map(|step| 1.0 + 1e-3 * f64::from(step)).collect();
    assert_eq!(boundaries(&mut shift(), &losses), []);
    let losses = [[1.0; 100], [1.0 + 1e-6; 100], [1.3; 100]].concat();
    assert_eq!(boundaries(&mut shift(), &losses), []);
}

#[test]
fn losses_below_zero_shift_too() {
    let losses: Vec<f64> = curve(0.2, 0).iter().map(|loss| loss - 1000.0).collect();
    let config = ShiftDetectorConfig::new();
    // The mean says nothing about the noise of such a loss: it never jumps by several tenths of the mean.
    assert_eq!(boundaries(&mut config.init().expect("valid"), &losses), []);
    let losses: Vec<f64> = curve(0.2, 0).iter().map(|loss| loss - 0.2).collect();
    assert_eq!(boundaries(&mut shift(), &losses).len(), NUM_TASKS - 1);
}

#[test]
fn a_plateau_is_noticed_once_in_each_task() {
    for (noise, seed) in [(0.0, 0), (0.1, 1), (0.2, 2)] {
        let found = boundaries(&mut plateau(), &curve(noise, seed));
        let tasks: Vec<usize> = found.iter().map(|it| it.step / STEPS_PER_TASK).collect();
        assert_eq!(tasks, [0, 1, 2, 3, 4], "noise {noise}");
        for boundary in found {
            assert_eq!(boundary.num_late_steps, 0);
            let after = boundary.step % STEPS_PER_TASK;
            assert!((40..100).contains(&after), "{after} steps into a task");
        }
    }
}

#[test]
fn a_loss_that_stays_high_or_restless_has_no_plateau() {
    assert_eq!(boundaries(&mut plateau(), &[0.3; 100]), []);
    let restless: Vec<f64> = (0..100).map(|step| f64::from(step % 2) - 0.5).collect();
    assert_eq!(boundaries(&mut plateau(), &restless), []);
}

#[test]
fn a_plateau_is_not_noticed_again_without_a_peak() {
    let losses = [vec![0.1; 50], vec![0.05; 50]].concat();
    assert_eq!(steps(&boundaries(&mut plateau(), &losses)), [9]);
    let losses = [vec![0.1; 50], vec![5.0; 20], vec![0.1; 50]].concat();
    assert_eq!(steps(&boundaries(&mut plateau(), &losses)), [9, 79]);
}

#[test]
fn losses_that_are_not_finite_change_no_decision() {
    let losses = curve(0.2, 3);
    for mut detector in [plateau(), shift()] {
        let clean = boundaries(&mut detector.clone(), &losses);
        let mut found = Vec::new();
        for (step, loss) in losses.iter().enumerate() {
            if step % 7 == 0 {
                let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][step % 3];
                assert_eq!(detector.observe(bad), None);
            }
            if detector.observe(*loss).is_some() {
                found.push(step);
            }
        }
        assert_eq!(found, steps(&clean));
        assert!(!found.is_empty());
    }
}

#[test]
fn steps_without_a_finite_loss_count_as_steps() {
    let mut periodic = PeriodicDetectorConfig::new(2).init().expect("valid");
    let found = boundaries(&mut periodic, &[f64::NAN; 5]);
    assert_eq!(steps(&found), [2, 4]);

    let losses = [vec![0.1; 40], vec![3.0, f64::NAN, 3.0, 3.0]].concat();
    let wanted = Boundary {
        step: 43,
        num_late_steps: 3,
    };
    assert_eq!(boundaries(&mut shift(), &losses), [wanted]);
}

#[test]
fn losses_too_large_to_square_hide_no_later_boundary() {
    for detector in all() {
        let losses = [curve(0.2, 0), vec![1e300; 3], curve(0.2, 1)].concat();
        let found = boundaries(&mut detector.clone(), &losses);
        let in_the_second_half = found.iter().filter(|it| it.step > losses.len() / 2 + 50);
        assert!(in_the_second_half.count() >= NUM_TASKS - 1);
    }
}

#[test]
fn a_window_longer_than_the_stream_finds_no_boundary() {
    let losses = curve(0.1, 0);
    let long = losses.len() + 1;
    let detectors = [
        PeriodicDetectorConfig::new(long).init(),
        PlateauDetectorConfig::new().with_window(long).init(),
        PlateauDetectorConfig::new().with_window(usize::MAX).init(),
        ShiftDetectorConfig::new().with_window(long).init(),
        ShiftDetectorConfig::new().with_reference(long).init(),
    ];
    for detector in detectors {
        let mut detector = detector.expect("valid");
        assert_eq!(boundaries(&mut detector, &losses), []);
        assert_eq!(detector.num_observed(), losses.len());
    }
}

#[test]
fn a_detector_from_a_checkpoint_decides_like_an_uninterrupted_one() {
    for detector in all() {
        let losses = curve(0.2, 4);
        let whole = boundaries(&mut detector.clone(), &losses);
        // In the middle of a task, and between the first and the last high loss of a shift.
        for cut in [130, 2 * STEPS_PER_TASK + 1] {
            let mut before = detector.clone();
            let mut found = boundaries(&mut before, &losses[..cut]);
            let stored = serde_json::to_string(&before).expect("serializable");
            let mut after: BoundaryDetector = serde_json::from_str(&stored).expect("readable");
            assert_eq!(after, before);
            found.extend(boundaries(&mut after, &losses[cut..]));
            assert_eq!(found, whole);
        }
    }
}

#[test]
fn a_checkpoint_with_settings_out_of_range_is_refused() {
    let stored = serde_json::to_string(&shift()).expect("serializable");
    let damaged = stored.replace("\"window\":3", "\"window\":0");
    assert_ne!(damaged, stored);
    let error = serde_json::from_str::<BoundaryDetector>(&damaged).expect_err("refused");
    let wanted = "window of a boundary detector must be ≥ 1, got 0";
    assert!(error.to_string().contains(wanted), "{error}");
}

#[test]
fn settings_out_of_range_are_named() {
    let plateau = PlateauDetectorConfig::new();
    let shift = ShiftDetectorConfig::new();
    let cases = [
        (
            PeriodicDetectorConfig::new(0).init(),
            "num_steps",
            "≥ 1",
            "0",
        ),
        (plateau.with_window(1).init(), "window", "≥ 2", "1"),
        (
            plateau.with_mean_threshold(f64::NAN).init(),
            "mean_threshold",
            "a finite number",
            "NaN",
        ),
        (
            plateau.with_variance_threshold(0.0).init(),
            "variance_threshold",
            "a finite number > 0",
            "0",
        ),
        (
            plateau.with_num_deviations(-0.5).init(),
            "num_deviations",
            "a finite number ≥ 0",
            "-0.5",
        ),
        (shift.with_window(0).init(), "window", "≥ 1", "0"),
        (shift.with_reference(1).init(), "reference", "≥ 2", "1"),
        (
            shift.with_num_deviations(f64::INFINITY).init(),
            "num_deviations",
            "a finite number > 0",
            "inf",
        ),
    ];
    for (detector, setting, allowed, value) in cases {
        let error = detector.expect_err("out of range").to_string();
        assert_eq!(
            error,
            format!("{setting} of a boundary detector must be {allowed}, got {value}")
        );
    }
}

#[test]
fn a_choice_from_a_file_makes_the_detector_that_it_names() {
    let config = BoundaryDetectorConfig::Shift(ShiftDetectorConfig::new().with_reference(50));
    let stored = serde_json::to_string(&config).expect("serializable");
    let read: BoundaryDetectorConfig = serde_json::from_str(&stored).expect("readable");
    assert_eq!(read.init().expect("valid").config(), config);
}
