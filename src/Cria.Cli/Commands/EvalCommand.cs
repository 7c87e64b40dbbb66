using System.CommandLine;

namespace Cria.Cli.Commands;

/// <summary>`cria eval`: measurements of a model, one verb each.</summary>
static class EvalCommand
{
    public static Command Create() => new("eval", "Measures a model.") { EvalPocketCommand.Create() };
}
