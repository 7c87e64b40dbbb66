using System.CommandLine;
using Cria.Generation;

namespace Cria.Cli.Commands;

/// <summary>The option of commands that write text to guess tokens ahead.</summary>
sealed class SpeculationBinder
{
    readonly Option<string> speculate = new Option<string>("--speculate")
    {
        Description = "Guess tokens ahead, for the same text sooner: off, lookup (what stood in the text before), or a smaller MODEL with the same vocabulary",
        DefaultValueFactory = _ => "off",
    }.NotEmpty();

    /// <summary>Adds the option to <paramref name="command"/>.</summary>
    public SpeculationBinder(Command command) => command.Add(speculate);

    /// <summary>How to guess, and the draft model's name or path if that takes one.</summary>
    public (Speculation Kind, string? Draft) Read(ParseResult result) => result.GetValue(speculate) switch
    {
        null or "off" => (Speculation.Off, null),
        "lookup" => (Speculation.Lookup, null),
        var model => (Speculation.Draft, model),
    };
}
