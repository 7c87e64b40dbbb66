using System.CommandLine;

namespace Cria.Cli.Commands;

/// <summary>The options that all commands on a model share.</summary>
static class ModelOptionsBinder
{
    public static Option<string> Model() => new("--model")
    {
        Description = "A model: a directory, a file, or \"pocket\"",
        DefaultValueFactory = _ => ModelLocator.Default,
    };
}
