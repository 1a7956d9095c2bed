//! Compares every setting of the method, in every way, with plain numbers.

use si_core::SynapticIntelligenceConfig;
use si_core::settings::{
    Accumulation, FirstTaskStart, NegativeImportance, PathGradient, PenaltyFactor,
};

use crate::conformance::optimizers;
use crate::conformance::setup::{SecondHead, Setup};
use crate::conformance::state::{Agreement, assert_agree};
use crate::conformance::ways::plain::Plain;
use crate::conformance::ways::{self, trajectory};

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
        config.with_first_task_start(FirstTaskStart::Zero),
    ]
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
