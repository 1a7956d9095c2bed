/// The optimizers whose state has these names. If no optimizer is known, the names themselves.
pub(super) fn optimizer(state: &[String]) -> String {
    let names: Vec<&str> = state.iter().map(String::as_str).collect();
    let known = KNOWN.iter().find(|(_, known)| *known == names);
    match (known, names.is_empty()) {
        (Some((optimizers, _)), _) => (*optimizers).to_string(),
        (None, true) => "without state".to_string(),
        (None, false) => format!("keeps {}", names.join(", ")),
    }
}

/// Optimizers by the names of their state, in order.
const KNOWN: [(&str, &[&str]); 2] = [
    (
        "Adam or AdamW",
        &["momentum.moment_1", "momentum.moment_2", "momentum.time"],
    ),
    ("SGD with momentum", &["momentum.velocity"]),
];

#[cfg(test)]
mod tests {
    use si_core::Checkpoint;
    use si_core::checkpoint::Inspection;

    use super::*;
    use crate::experiment::Optimizer;
    use crate::inspect::testing::trained;

    #[test]
    fn the_programs_optimizers_are_recognised_by_their_state() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.ckpt");
        for (kind, momentum, expected) in [
            (Optimizer::Adam, 0.9, "Adam or AdamW"),
            (Optimizer::AdamW, 0.9, "Adam or AdamW"),
            (Optimizer::Sgd, 0.9, "SGD with momentum"),
            (Optimizer::Sgd, 0.0, "without state"),
        ] {
            let mut optimizer = kind.init(momentum);
            let learner = trained(&mut optimizer, 2);
            let checkpoint = Checkpoint::new(&learner, &optimizer, &());
            let saved = checkpoint.and_then(|checkpoint| checkpoint.save(&path));
            saved.expect("it can be saved");
            let state = Inspection::read(&path).expect("it is read").optimizer_state;
            assert_eq!(optimizer_of(&state), expected);
        }
        assert_eq!(optimizer(&["sum".to_string()]), "keeps sum");
    }

    fn optimizer_of(state: &Option<Vec<String>>) -> String {
        optimizer(state.as_deref().expect("a checkpoint has an optimizer"))
    }
}
