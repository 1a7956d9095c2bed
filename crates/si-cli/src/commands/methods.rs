use std::fmt::Write;

use clap::Args;
use si_bench::methods::{METHODS, Method, Parameter};

use crate::output;

const EXAMPLES: &str = "\
Examples:
  si split-mnist --methods none,si:c=0.1,si:c=1
  si permuted-mnist --methods si,ewc:lambda=30,joint
  si permuted-mnist --methods si+dropout:c=0.1:rate=0.2";

/// List the methods for `--methods`, with their parameters
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MethodsArgs {}

pub(crate) fn run(_args: &MethodsArgs) -> anyhow::Result<()> {
    for method in METHODS {
        output::result(described(method))?;
    }
    output::result(
        "Give parameters after colons, as in si:c=0.1:xi=0.01. Join methods with different parts by +, as in\n\
         si+dropout:c=0.1. In a TOML file: methods = [\"si:c=0.1\", { method = \"ewc\", lambda = 30 }]",
    )?;
    Ok(())
}

/// A few lines about a method.
fn described(method: &Method) -> String {
    let mut text = format!("{}: {}", method.key, method.title);
    if !method.source.is_empty() {
        let _ = write!(text, " ({})", method.source);
    }
    let _ = write!(text, "\n    {}\n", method.summary);
    for parameter in method.parameters {
        let Parameter {
            key,
            symbol,
            summary,
            range,
            ..
        } = parameter;
        let name = if key == symbol {
            (*key).to_string()
        } else {
            format!("{key} ({symbol})")
        };
        let default = match parameter.default_text() {
            Some(default) => format!("[default: {default}]"),
            None => "(must be given)".to_string(),
        };
        let _ = writeln!(text, "      {name}: {summary}, {range} {default}");
    }
    text
}
