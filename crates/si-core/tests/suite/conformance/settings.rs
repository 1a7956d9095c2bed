//! Compares every setting of the method, in every way, with plain numbers.

use si_core::SynapticIntelligenceConfig;
use si_core::settings::{
    Accumulation, FirstTaskStart, NegativeImportance, Normalization, PathGradient, PenaltyFactor,
};

use crate::conformance::optimizers;
use crate::conformance::setup::{SecondHead, Setup};
use crate::conformance::state::{Agreement, assert_agree};
use crate::conformance::ways::plain::Plain;
use crate::conformance::ways::{self, Way, trajectory};

fn settings() -> Vec<SynapticIntelligenceConfig> {
    let config = Setup::plain().config;
    vec![
        config.clone().with_path_gradient(PathGradient::Total),
        config
            .clone()
            .with_negative_importance(NegativeImportance::Keep),
        config
            .clone()
            .with_negative_importance(NegativeImportance::ReluPerTask),
        config.clone().with_importance_bound(Some(0.01)),
        config
            .clone()
            .with_accumulation(Accumulation::MovingAverage { decay: 0.7 }),
        config.clone().with_penalty_factor(PenaltyFactor::Half),
        config.clone().with_strength_schedule(vec![1.0, 0.25, 2.0]),
        config.clone().with_first_task_start(FirstTaskStart::Zero),
        with_normalization(Normalization::Mean),
        with_normalization(Normalization::Largest),
    ]
}

fn with_normalization(normalization: Normalization) -> SynapticIntelligenceConfig {
    let config = Setup::with_strength(0.5).config;
    config.with_normalization(normalization)
}

/// An optimizer sees one parameter at a time, so it refuses to normalise.
fn can_apply(way: &dyn Way, config: &SynapticIntelligenceConfig) -> bool {
    way.name() != "adaptor" || config.normalization == Normalization::Off
}

#[test]
fn every_setting_matches_plain_numbers_in_every_way() {
    let names = ["Adam", "RmsProp", "SynapticAdam", "SynapticSgd"];
    let rows = optimizers::all();
    let rows = || rows.iter().filter(|row| names.contains(&row.name));
    assert_eq!(rows().count(), names.len());
    for config in settings() {
        for second_head in [SecondHead::Late, SecondHead::Rests] {
            let setup = Setup {
                config: config.clone(),
                second_head,
                ..Setup::plain()
            };
            for row in rows() {
                let plain = Plain { clips_first: false };
                let expected = trajectory(&plain, row, &setup);
                for way in ways::all() {
                    if !can_apply(way.as_ref(), &config) {
                        continue;
                    }
                    if way.name() == "penalty in the loss" && second_head == SecondHead::Rests {
                        continue;
                    }
                    let what = format!("{}, {}, {config}", way.name(), row.name);
                    let actual = trajectory(way.as_ref(), row, &setup);
                    assert_agree(&actual, &expected, Agreement::Rounded, &what);
                }
            }
        }
    }
}

#[test]
fn each_setting_gives_another_trajectory() {
    let rows = optimizers::all();
    // RMSprop's steps are large enough to make some importance negative.
    let rms_prop = rows.iter().find(|row| row.name == "RmsProp");
    let rms_prop = rms_prop.expect("it is there");
    let of_config = |config| {
        let setup = Setup {
            config,
            second_head: SecondHead::Rests,
            ..Setup::plain()
        };
        trajectory(&Plain { clips_first: false }, rms_prop, &setup)
    };
    let mut trajectories = vec![of_config(Setup::plain().config)];
    for config in settings() {
        let name = config.to_string();
        let trajectory = of_config(config);
        assert!(!trajectories.contains(&trajectory), "{name}");
        trajectories.push(trajectory);
    }
}

#[test]
fn a_normalised_training_is_the_same_if_it_is_loaded_after_every_step_and_task() {
    // A layer that rests in a task has no part in its mean, before and after it is loaded.
    for (normalization, second_head) in [
        (Normalization::Mean, SecondHead::Late),
        (Normalization::Mean, SecondHead::Rests),
        (Normalization::Largest, SecondHead::Late),
    ] {
        let [unbroken, broken] = [false, true].map(|reloads| Setup {
            config: with_normalization(normalization),
            reloads,
            second_head,
            ..Setup::plain()
        });
        for row in optimizers::all() {
            let all = ways::all();
            for way in all
                .iter()
                .filter(|it| can_apply(it.as_ref(), &unbroken.config))
            {
                let what = format!("{}, {}, {normalization:?}", way.name(), row.name);
                let expected = trajectory(way.as_ref(), &row, &unbroken);
                let actual = trajectory(way.as_ref(), &row, &broken);
                assert_agree(&actual, &expected, Agreement::Exact, &what);
            }
        }
    }
}
