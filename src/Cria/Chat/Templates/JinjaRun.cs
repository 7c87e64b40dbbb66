using System.Text;

namespace Cria.Chat.Templates;

/// <summary>One run of a template, with its limits.</summary>
sealed class JinjaRun
{
    public const int MostCharacters = 1 << 24;

    const int MostSteps = 5_000_000, MostDepth = 60;

    int _steps;

    /// <summary>Where text goes.</summary>
    public StringBuilder Output { get; set; } = new();

    /// <summary>Macros that are running.</summary>
    public int Depth { get; private set; }

    public void Step()
    {
        if (++_steps > MostSteps)
            throw new CriaException($"chat template: more than {MostSteps} steps");
    }

    public void Write(string text)
    {
        if (Output.Length + text.Length > MostCharacters)
            throw new CriaException($"chat template: more than {MostCharacters} characters");
        Output.Append(text);
    }

    /// <summary>The text that a part of the template writes.</summary>
    public string Capture(Action part)
    {
        var outer = Output;
        Output = new();
        if (++Depth > MostDepth)
            throw new CriaException($"chat template: macros are nested more than {MostDepth} deep");
        try
        {
            part();
            return Output.ToString();
        }
        finally
        {
            Depth--;
            Output = outer;
        }
    }
}

/// <summary>The names of a block; what is set in it is not seen outside.</summary>
sealed class JinjaScope(JinjaRun run, JinjaScope? outer)
{
    readonly Dictionary<string, object?> _values = [];

    public JinjaRun Run => run;


    public object? this[string name]
    {
        get => _values.TryGetValue(name, out var value) ? value : outer is null ? new Undefined(name) : outer[name];
        set => _values[name] = value;
    }

    public JinjaScope Inner() => new(run, this);
}
