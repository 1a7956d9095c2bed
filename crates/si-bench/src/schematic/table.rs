use crate::report::terminal_table;

use super::{Place, SurrogateLoss, TwoTasks};

/// The numbers of both figures as two tables for the terminal, at most 80 columns wide.
pub fn table(two_tasks: &TwoTasks, surrogate: &SurrogateLoss) -> String {
    format!("{}\n{}", figure1(two_tasks), figure2(surrogate))
}

fn figure1(two_tasks: &TwoTasks) -> String {
    let header = ["", "θ1", "θ2", "Loss of task 1", "Loss of task 2"];
    let mut table = terminal_table(header.map(str::to_string).to_vec());
    let mut add = |name: String, place: Place| {
        let numbers = place.parameters.into_iter().chain(place.losses).map(number);
        table.add_row(std::iter::once(name).chain(numbers));
    };
    add("Start".to_string(), two_tasks.start);
    add("After task 1".to_string(), two_tasks.after_first);
    for second in &two_tasks.second {
        add(format!("After task 2, c = {}", second.strength), second.end);
    }
    let [first, second] = two_tasks.importance.map(number);
    format!(
        "Figure 1: two tasks of two parameters\n\n{}\n\nImportance Ω after task 1: {first} and \
        {second}\n",
        table.trim_fmt()
    )
}

fn figure2(surrogate: &SurrogateLoss) -> String {
    let header = ["", "On the loss", "On the surrogate"];
    let mut table = terminal_table(header.map(str::to_string).to_vec());
    let [loss, other] = [surrogate.on_loss, surrogate.on_surrogate];
    for (name, values) in [
        ("Drop of the loss", [loss.drop, other.drop]),
        ("Net motion θ(0) − θ(T)", [loss.motion, other.motion]),
        ("Minimum θ(T)", [loss.end, other.end]),
    ] {
        table.add_row(std::iter::once(name.to_string()).chain(values.map(number)));
    }
    format!(
        "Figure 2: descent on a loss of one parameter, and on its surrogate\n\n{}\n\nFactor of the \
        parabola: {} for the surrogate, {} for the Hessian\n",
        table.trim_fmt(),
        number(surrogate.importance),
        number(0.5 * surrogate.curvature)
    )
}

fn number(value: f64) -> String {
    format!("{value:.4}")
}
