//! The option `--task`.

use anyhow::{Context, Result, bail};
use bert8::bert::Bert;
use bert8::model::Model;
use bert8::task::{Problem, Texts};
use clap::{Args, ValueEnum};

/// What the model answers, if its configuration does not tell.
#[derive(Debug, Args)]
pub struct TaskChoice {
    /// What the model reads (single or pair: one text or two) and answers (single-label, multi-label or regression), if its
    /// configuration does not say so; may be repeated
    #[arg(long, value_name = "TASK", value_delimiter = ',')]
    task: Vec<Task>,
}

/// A word of `--task`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Task {
    Single,
    Pair,
    SingleLabel,
    MultiLabel,
    Regression,
}

impl TaskChoice {
    /// The number of texts that the options name, if any.
    pub fn texts(&self) -> Result<Option<Texts>> {
        self.only(|task| match task {
            Task::Single => Some(Texts::Single),
            Task::Pair => Some(Texts::Pair),
            _ => None,
        })
    }

    /// The meaning of the logits that the options name, if any.
    pub fn problem(&self) -> Result<Option<Problem>> {
        self.only(|task| match task {
            Task::SingleLabel => Some(Problem::SingleLabel),
            Task::MultiLabel => Some(Problem::MultiLabel),
            Task::Regression => Some(Problem::Regression),
            _ => None,
        })
    }

    /// Returns `bert` with the task that the options name.
    pub fn apply(&self, bert: Bert) -> Result<Bert> {
        let problem = self.problem()?.unwrap_or(bert.config().problem);
        let texts = self.texts()?.or(bert.config().texts);
        bert.with_task(problem, texts).context("--task does not fit the model")
    }

    /// Returns `model` with the task that the options name.
    pub fn apply_to(&self, model: Model) -> Result<Model> {
        model.with_task(self.problem()?, self.texts()?).context("--task does not fit the model")
    }

    fn only<T: Copy + PartialEq>(&self, kind: impl Fn(Task) -> Option<T>) -> Result<Option<T>> {
        let mut found = None;
        for (task, value) in self.task.iter().filter_map(|&task| Some((task, kind(task)?))) {
            match found {
                Some((other, known)) if known != value => {
                    let name = |task: Task| task.to_possible_value().map_or(String::new(), |v| v.get_name().to_owned());
                    bail!("--task {} contradicts --task {}; name one of them", name(task), name(other));
                }
                _ => found = Some((task, value)),
            }
        }
        Ok(found.map(|(_, value)| value))
    }
}
