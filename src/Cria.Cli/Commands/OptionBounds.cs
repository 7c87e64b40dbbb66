using System.CommandLine;
using System.Globalization;

namespace Cria.Cli.Commands;

/// <summary>Bounds of whole numbers among the options.</summary>
static class OptionBounds
{
    /// <summary>Makes a number outside the bounds a wrong argument; of what is no number the parser tells.</summary>
    public static Option<T> Bounded<T>(this Option<T> option, int least, int most)
    {
        option.Validators.Add(r =>
        {
            if (r.Tokens is [{ Value: var text }] && int.TryParse(text, CultureInfo.InvariantCulture, out var number) && (number < least || number > most))
                r.AddError($"{option.Name} is not between {least} and {most}");
        });
        return option;
    }
}
