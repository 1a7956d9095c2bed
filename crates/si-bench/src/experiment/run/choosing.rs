use burn::module::Module;

use crate::Error;

use super::super::choice::{ChoiceRule, ChosenStrength};
use super::super::{Condition, student::Student};
use super::{Journal, Lesson, Reporter, Save, Training};

impl Training<'_> {
    /// Learns a lesson anew with lower and lower strengths, as `rule` says. `student` has not begun it, and is what each
    /// attempt begins with. Calls `save` between two attempts.
    pub(super) fn learn_by_choice(
        &self,
        rule: ChoiceRule,
        lesson: &Lesson,
        journal: &mut Journal,
        student: &Student,
        reporter: &mut Reporter<'_>,
        save: &mut Save<'_>,
    ) -> Result<Student, Error> {
        let condition = self.run.condition;
        let mut held_out = lesson
            .tasks
            .iter()
            .filter_map(|it| it.held_out.as_ref().zip(Some(it)));
        let (held_out, task) = held_out.next().ok_or_else(|| Error::Value {
            key: "choose_strength",
            value: "chf".to_string(),
            expected: "fixed if the tasks hold out no images".to_string(),
        })?;
        let accuracy = |student: &Student| task.accuracy(&student.learner.valid(), held_out);
        let start = self.condition_in(journal).factor().unwrap_or_default();
        let mut choice = match journal.choosing.take() {
            Some(choice) => choice,
            None => {
                let free = condition.without_factors();
                let (learnt, trial) = self.attempt(&free, lesson, journal, student, reporter)?;
                journal.steps_free += discard(&trial, journal);
                ChosenStrength {
                    task: journal.lesson,
                    free_accuracy: accuracy(&learnt),
                    attempts: Vec::new(),
                }
            }
        };
        loop {
            journal.choosing = Some(choice.clone());
            save(journal, student)?;
            let strength = rule.strength(start, &choice.attempts);
            let with_strength = condition.with_factor(strength);
            let (learnt, trial) =
                self.attempt(&with_strength, lesson, journal, student, reporter)?;
            let attempt = rule.attempt(strength, accuracy(&learnt), choice.free_accuracy);
            choice.attempts.push(attempt);
            if rule.is_over(&choice.attempts) {
                *journal = trial;
                journal.choosing = None;
                journal.chosen.push(choice);
                return Ok(learnt);
            }
            journal.steps_refused += discard(&trial, journal);
        }
    }

    /// Learns the lesson with a copy of `student` under `condition`. Returns the copy, and the journal with this training.
    fn attempt(
        &self,
        condition: &Condition,
        lesson: &Lesson,
        journal: &Journal,
        student: &Student,
        reporter: &mut Reporter<'_>,
    ) -> Result<(Student, Journal), Error> {
        let mut journal = journal.clone();
        let copy = student.copy_with(condition.parts())?;
        let learnt = self.learn(lesson, &mut journal, copy, reporter, &mut |_, _| Ok(()))?;
        Ok((learnt, journal))
    }
}

/// Counts the passes of a training that is not kept. Returns the number of its steps.
fn discard(trial: &Journal, journal: &mut Journal) -> usize {
    journal.cost.passes += trial.cost.passes.discarded_since(journal.cost.passes);
    trial.steps_done - journal.steps_done
}
