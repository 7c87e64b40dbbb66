using System.CommandLine;
using System.Globalization;

namespace Cria.Cli.Commands;

/// <summary>What the parser alone does not see of a wrong argument.</summary>
static class OptionChecks
{
    /// <summary>Makes a whole number outside the bounds a wrong argument; of what is no number the parser tells.</summary>
    public static Option<T> Bounded<T>(this Option<T> option, int least, int most)
    {
        option.Validators.Add(r =>
        {
            if (r.Tokens is [{ Value: var text }] && int.TryParse(text, CultureInfo.InvariantCulture, out var number) && (number < least || number > most))
                r.AddError($"{option.Name} is not between {least} and {most}");
        });
        return option;
    }

    /// <summary>Makes an empty path a wrong argument.</summary>
    public static Option<T> NotEmpty<T>(this Option<T> option)
    {
        option.Validators.Add(r =>
        {
            if (r.Tokens is [{ Value: "" }])
                r.AddError($"{option.Name} is empty");
        });
        return option;
    }
}
