use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use si_bench::comparison::{Candidate, ComparisonFiles, Selection};
use si_bench::experiment::{ExperimentConfig, RunFolder};
use si_bench::methods::MethodSpec;
use si_bench::{Error, resolve_device};

use super::{CompareArgs, FINAL};
use crate::output_folder::unused_folder;
use crate::{experiment, plan_file};

/// The settings of a comparison. They are stored in its folder, so that it can be resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    /// Seeds of each trial of the search.
    num_search_seeds: usize,
    pub(super) selection: Selection,
    /// What both phases have in common. Its methods are all trials, its seeds those of the final runs, and its held-out
    /// images those of the search.
    protocol: ExperimentConfig,
}

const FILE: &str = "compare.toml";
const NUM_TRIALS: u16 = 5;
const NUM_SEARCH_SEEDS: u16 = 1;
const NUM_SEEDS: usize = 3;
/// The first seed of the search beyond the first of the final runs: more than anyone has runs.
const SEARCH_SEEDS_LATER: u64 = 1_000_000;

impl Plan {
    /// The plan of a new comparison.
    pub(super) fn new(args: &CompareArgs) -> anyhow::Result<Self> {
        let base = ExperimentConfig {
            // The selection comes later. Settings that choose strengths need a method that has one.
            methods: MethodSpec::list("si")?,
            num_seeds: NUM_SEEDS,
            ..ExperimentConfig::search(args.experiment)
        };
        let protocol = args.settings.without_methods().over(base)?;
        experiment::refuse_choice("compare", &protocol)?;
        experiment::check(&protocol)?;
        let num_trials = usize::from(args.trials.unwrap_or(NUM_TRIALS));
        let selection = match args.settings.methods()? {
            Some(named) => Selection::named(named, num_trials),
            None => Selection::all(&protocol, num_trials)?,
        };
        let candidates = selection.candidates(args.experiment)?;
        refuse_repetitions(&candidates)?;
        let trials = candidates.into_iter();
        let protocol = ExperimentConfig {
            device: resolve_device(&protocol.device)?,
            methods: trials.flat_map(|it| it.trials).collect(),
            ..protocol
        };
        let plan = Self {
            num_search_seeds: usize::from(args.search_seeds.unwrap_or(NUM_SEARCH_SEEDS)),
            selection,
            // Device and threads are the same in both phases, wherever they are resumed.
            protocol: ExperimentConfig {
                num_threads: protocol.num_threads(),
                ..protocol
            },
        };
        plan.protocol.validate()?;
        if let Some(search) = plan.search()? {
            search.validate()?;
        }
        Ok(plan)
    }

    /// This plan with its folder, which is created: that of `--out`, otherwise a new one in `root`.
    pub(super) fn in_new_folder(mut self, root: &Path) -> anyhow::Result<(Self, PathBuf)> {
        let out = self.protocol.output_dir.take();
        let folder = unused_folder(out.as_deref(), root)?;
        Ok((self, folder))
    }

    /// This plan, of whose folder nothing is stored.
    pub(super) fn without_folder(mut self) -> Self {
        self.protocol.output_dir = None;
        self
    }

    /// This plan without what holds for this machine alone.
    pub(super) fn for_every_machine(&self) -> Self {
        let mut plan = self.clone();
        plan.protocol.num_jobs = None;
        plan.protocol.num_replicas = None;
        plan
    }

    pub(super) fn is_in(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// This plan, read from `folder`, with those of `args` that may change when it is resumed.
    pub(super) fn resumed(self, folder: &Path, args: &CompareArgs) -> anyhow::Result<Self> {
        let stored = self.protocol.experiment;
        if stored != args.experiment {
            return Err(Error::Config(format!(
                "{} is a comparison of {}, not of {}",
                folder.display(),
                stored.name(),
                args.experiment.name()
            ))
            .into());
        }
        let settings = args.settings.without_methods();
        let given = settings.over(self.protocol.clone())?;
        let given = ExperimentConfig {
            device: resolve_device(&given.device)?,
            methods: self.protocol.methods.clone(),
            output_dir: None,
            ..given
        };
        if let (Some(stored), Some(given)) = (self.protocol.num_threads, given.num_threads)
            && stored != given
        {
            let path = folder.to_path_buf();
            return Err(Error::ThreadsDiffer {
                path,
                stored,
                given,
            }
            .into());
        }
        let mut differences = self.protocol.differences(&given);
        let mut compare = |key: &str, stored: String, given: Option<String>| {
            let other = given.filter(|given| *given != stored);
            differences.extend(other.map(|given| format!("{key} is {stored}, not {given}")));
        };
        let text = |number: u16| number.to_string();
        compare(
            "trials",
            self.selection.num_trials.to_string(),
            args.trials.map(text),
        );
        compare(
            "search_seeds",
            self.num_search_seeds.to_string(),
            args.search_seeds.map(text),
        );
        let methods = args.settings.methods()?;
        compare(
            "methods",
            self.selection.methods.join(","),
            methods.map(|methods| methods.join(",")),
        );
        if differences.is_empty() {
            Ok(Self {
                protocol: given,
                ..self
            })
        } else {
            Err(Error::ConfigDiffers {
                path: folder.to_path_buf(),
                differences: differences.join("; "),
            }
            .into())
        }
    }

    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        plan_file::read(folder, FILE, "comparison")
    }

    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        plan_file::write(folder, FILE, self)
    }

    /// The newest comparison in `root` that is not done.
    pub(super) fn newest_unfinished(root: &Path) -> anyhow::Result<PathBuf> {
        let is_unfinished = |folder: &Path| Ok(Self::is_in(folder) && !is_done(folder)?);
        plan_file::newest(root, "comparison", is_unfinished)
    }

    /// The methods with what is tried of each.
    pub(super) fn candidates(&self) -> anyhow::Result<Vec<Candidate>> {
        Ok(self.selection.candidates(self.protocol.experiment)?)
    }

    /// The settings of the search. `None` if there is no strength to search for.
    pub(super) fn search(&self) -> anyhow::Result<Option<ExperimentConfig>> {
        let searched = self
            .candidates()?
            .into_iter()
            .filter(Candidate::is_searched);
        let methods: Vec<MethodSpec> = searched.flat_map(|it| it.trials).collect();
        let protocol = &self.protocol;
        Ok((!methods.is_empty()).then(|| ExperimentConfig {
            methods,
            num_seeds: self.num_search_seeds,
            first_seed: protocol.first_seed.saturating_add(SEARCH_SEEDS_LATER),
            // The search needs the accuracies after the last task alone.
            evaluate_each_epoch: false,
            ..protocol.clone()
        }))
    }

    /// The settings of the final runs of `methods`.
    pub(super) fn last(&self, methods: Vec<MethodSpec>) -> ExperimentConfig {
        ExperimentConfig {
            methods,
            num_held_out: None,
            ..self.protocol.clone()
        }
    }
}

/// Refuses a method that is given with a strength that is tried anyway.
fn refuse_repetitions(candidates: &[Candidate]) -> Result<(), Error> {
    for given in candidates.iter().filter(|it| !it.is_searched()) {
        let mut searched = candidates.iter().filter(|it| it.is_searched());
        if let Some(searched) =
            searched.find(|it| given.trials.iter().any(|trial| it.trials.contains(trial)))
        {
            return Err(Error::Config(format!(
                "{} is one of the values that are tried for {}: leave it out",
                given.text, searched.text
            )));
        }
    }
    Ok(())
}

/// Whether every final run and the report are done.
fn is_done(folder: &Path) -> anyhow::Result<bool> {
    // The report is written last.
    Ok(folder.join(ComparisonFiles::JSON).exists()
        && RunFolder::open(&folder.join(FINAL))?.missing()?.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;
    use si_bench::experiment::Experiment;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        args: CompareArgs,
    }

    fn args(words: &str) -> CompareArgs {
        let words = ["si", "split-mnist", "--device", "flex"]
            .into_iter()
            .chain(words.split_whitespace());
        Program::try_parse_from(words)
            .expect("it is well formed")
            .args
    }

    fn plan(words: &str) -> Plan {
        Plan::new(&args(words)).expect("it is valid")
    }

    fn error(words: &str) -> String {
        let plan = Plan::new(&args(words));
        format!("{:#}", plan.expect_err("it is not valid"))
    }

    #[test]
    fn a_comparison_without_methods_has_all_and_searches_each_strength_equally_often() {
        let plan = plan("--scenario class --trials 3");
        assert_eq!(plan.selection.left_out.len(), 1);
        let config = plan.search().expect("valid").expect("there are strengths");
        let candidates = plan.candidates().expect("valid");
        let num_searched = candidates.iter().filter(|it| it.is_searched()).count();
        assert_eq!(config.methods.len(), 3 * num_searched);
        assert_eq!((config.num_held_out, config.num_seeds), (Some(2000), 1));
        let last = plan.last(MethodSpec::list("none,si").expect("valid"));
        assert_eq!((last.num_held_out, last.num_seeds), (None, 3));
        assert!(config.seeds().all(|seed| last.seeds().all(|it| it != seed)));
        assert_eq!(last.experiment, Experiment::SplitMnist);
    }

    #[test]
    fn a_named_method_that_cannot_run_is_an_error() {
        let message = error("--scenario domain --methods none,progressive");
        assert!(
            message.starts_with("the method progressive is not possible in split-mnist: "),
            "{message}"
        );
        assert!(error("--methods hat").starts_with("there is no method \"hat\""));
        assert!(error("--methods si,si").ends_with("is given twice"));
    }

    #[test]
    fn strengths_are_not_chosen_task_by_task_in_a_search() {
        for words in ["--choose chf", "--methods si --choose chf"] {
            let expected = "compare finds strengths by its own search: leave out choose_strength, or use \
                            `si split-mnist --choose chf`";
            assert_eq!(error(words), expected);
        }
    }

    #[test]
    fn a_strength_that_is_tried_anyway_is_not_given_too() {
        let tried = Candidate::new("si", Experiment::SplitMnist, 3).expect("valid");
        let given = tried.trials[0].to_string();
        assert_eq!(
            error(&format!("--methods si,{given} --trials 3")),
            format!("{given} is one of the values that are tried for si: leave it out")
        );
    }

    #[test]
    fn nothing_is_searched_if_every_strength_is_given() {
        let plan = plan("--methods none,er,si:c=1");
        assert_eq!(plan.search().expect("valid"), None);
        assert_eq!(plan.selection.equal_memory, None);
    }

    #[test]
    fn methods_of_a_file_count_like_those_of_the_flag_which_overrides_them() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let methods = "['none', 'si', { method = 'ewc' }, { method = 'mas', lambda = 1 }]";
        let settings = format!("num_epochs = 1\nmethods = {methods}\n");
        fs::write(file.path(), settings).expect("written");
        let with_file = format!("--trials 4 --config {}", file.path().display());
        let from_file = plan(&with_file);
        assert_eq!(
            from_file,
            plan("--trials 4 --epochs 1 --methods none,si,ewc,mas:lambda=1")
        );
        let search = from_file.search().expect("valid").expect("two strengths");
        assert_eq!(search.methods.len(), 2 * 4);
        assert_eq!(
            plan(&format!("{with_file} --methods er,l2")),
            plan("--trials 4 --epochs 1 --methods er,l2")
        );

        let folder = tempfile::tempdir().expect("a folder");
        let resumed = from_file.clone().resumed(folder.path(), &args(&with_file));
        assert_eq!(resumed.expect("it is the same"), from_file);
        let error =
            plan("--trials 4 --epochs 1 --methods none").resumed(folder.path(), &args(&with_file));
        let error = error.expect_err("it differs").to_string();
        let expected = "methods is none, not none,si,ewc,mas:lambda=1";
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_plan_is_read_back_to_the_same_and_resumed_only_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let plan = plan("--scenario class --epochs 1 --trials 4 --search-seeds 2");
        plan.write(path).expect("written");
        let read = || Plan::read(path).expect("it was written");
        assert_eq!(read(), plan);
        let resumed = read().resumed(path, &args("--seeds 5 --trials 4 --jobs 1"));
        let resumed = resumed.expect("only seeds and jobs differ");
        let expected = Plan {
            protocol: ExperimentConfig {
                num_seeds: 5,
                num_jobs: Some(1),
                ..plan.protocol.clone()
            },
            ..plan
        };
        assert_eq!(resumed, expected);
        for (words, difference) in [
            ("--trials 5", "trials is 4, not 5"),
            ("--search-seeds 1", "search_seeds is 2, not 1"),
            ("--methods none", "not none"),
            ("--epochs 2", "num_epochs is 1, not 2"),
            ("--seeds 2", "num_seeds is 3, not 2"),
        ] {
            let error = read().resumed(path, &args(words));
            let error = error.expect_err("it differs").to_string();
            assert!(error.contains(difference), "{error}");
        }
        let other = Plan::read(&path.join("other")).expect_err("nothing is there");
        assert!(
            other
                .to_string()
                .contains("is not the folder of a comparison")
        );
    }

    #[test]
    fn the_newest_comparison_without_a_report_is_unfinished() {
        let root = tempfile::tempdir().expect("a folder");
        assert!(Plan::newest_unfinished(root.path()).is_err());
        let plan = plan("--methods none,si");
        for name in ["2026-01-01", "2026-01-02"] {
            let folder = root.path().join(name);
            fs::create_dir(&folder).expect("a folder");
            plan.write(&folder).expect("written");
        }
        fs::create_dir(root.path().join("2026-01-03")).expect("another folder");
        let newest = Plan::newest_unfinished(root.path()).expect("there are two");
        assert_eq!(newest, root.path().join("2026-01-02"));
    }
}
