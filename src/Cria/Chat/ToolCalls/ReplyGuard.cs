using System.Text;
using System.Text.Json;
using Cria.Generation.Constraints;
using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>What a reply is to be guarded for.</summary>
sealed record GuardedRequest
{
    /// <summary>The tools on offer that the prompt defines.</summary>
    public required IReadOnlyList<AIFunctionDeclaration> Tools { get; init; }

    /// <summary>The tools on offer that the model knows by name.</summary>
    public IReadOnlyList<string> BuiltinTools { get; init; } = [];

    /// <summary>The syntax of calls; null = any.</summary>
    public ToolFormat? Format { get; init; }

    /// <summary>Whether the reply must be a call.</summary>
    public bool IsRequired { get; init; }

    /// <summary>The only tool that may be called; null = any.</summary>
    public string? RequiredName { get; init; }

    /// <summary>Whether there may be more than one call.</summary>
    public bool ManyCalls { get; init; } = true;

    /// <summary>The schema of the JSON that a reply is unless it is a call; null = it is text.</summary>
    public string? Document { get; init; }

    /// <summary>Whether the vocabulary has the python tag.</summary>
    public bool HasPythonTag { get; init; }

    /// <summary>Equal for requests with equal guards.</summary>
    public string Key => string.Join('\0', [$"{Format} {IsRequired} {RequiredName} {ManyCalls} {HasPythonTag}", Document, .. BuiltinTools,
        .. Tools.Select(t => $"{t.Name}\0{IsStrict(t)}\0{t.JsonSchema.GetRawText()}")]);

    /// <summary>Whether a tool's schema must be honoured, as its additional properties say.</summary>
    public static bool IsStrict(AIFunctionDeclaration tool) =>
        tool.AdditionalProperties.TryGetValue(ToolDefinition.Strict, out var value) && value is true or JsonElement { ValueKind: JsonValueKind.True };
}

/// <summary>
/// Holds a reply to well-formed calls of the tools on offer, with arguments that satisfy their schemas, or to text that cannot be
/// taken for a call. Immutable; may serve any number of replies at once.
/// </summary>
sealed class ReplyGuard
{
    const string PythonTag = "<|python_tag|>";

    /// <summary>Blanks as <see cref="ReplyReader"/> skips them.</summary>
    const string Blanks = @"[\s\x85]*";

    readonly GuardedRequest _request;
    readonly Dictionary<string, string> _unguarded = [];
    readonly Constraint? _calls;

    /// <exception cref="CriaException">A schema cannot be honoured and the call is required or the tool strict, or the required tool is not on offer.</exception>
    public ReplyGuard(GuardedRequest request)
    {
        _request = request;
        Constraint = Constraint.Build(g => request.IsRequired ? Calls(g)
            : request.Document is { } schema ? GrammarBuilder.Choice(g.JsonSchema(schema), Calls(g))
            : Replies(g));
        _calls = request.Document is null ? null : Constraint.Build(Calls);
    }

    /// <summary>What a reply may be.</summary>
    public Constraint Constraint { get; }

    /// <summary>The tools whose arguments are held to their names only, and why: their schemas cannot be honoured.</summary>
    public IReadOnlyDictionary<string, string> Unguarded => _unguarded;

    /// <summary>Whether a text that can be read as calls is one, and not a document that looks alike.</summary>
    public bool IsCall(string text) => _calls is null || _calls.Accepts(text);

    /// <summary>Text, or calls; function tags may follow text.</summary>
    Node Replies(GrammarBuilder g)
    {
        var prose = Prose(g);
        var text = _request.Format is null or ToolFormat.FunctionTag ? GrammarBuilder.Sequence(prose, GrammarBuilder.Choice(Node.Empty, Calls(g, ToolFormat.FunctionTag))) : prose;
        return GrammarBuilder.Choice(text, Calls(g));
    }

    Node Calls(GrammarBuilder g)
    {
        var tag = _request.HasPythonTag ? GrammarBuilder.Choice(Node.Empty, g.Control(PythonTag)) : Node.Empty;
        ToolFormat[] formats = _request.Format is { } one ? [one] : [ToolFormat.Pythonic, ToolFormat.Json, ToolFormat.FunctionTag];
        return GrammarBuilder.Choice([.. formats.Select(f => GrammarBuilder.Sequence(tag, Calls(g, f))), .. _request.BuiltinTools.Where(IsWanted).Select(Builtin)]);

        Node Builtin(string name) => name == BuiltinCall.CodeInterpreter ? GrammarBuilder.Sequence(_request.HasPythonTag ? g.Control(PythonTag)
                : throw new CriaException($"tools holds {name}, which cannot be called: the vocabulary has no {PythonTag}"), Code(g))
            : GrammarBuilder.Sequence(tag, BuiltinCall.Grammar(g, name));
    }

    Node Calls(GrammarBuilder g, ToolFormat format)
    {
        var most = _request.ManyCalls ? Regular.Unbounded : 1;
        var call = GrammarBuilder.Choice([.. _request.Tools.Where(t => IsWanted(t.Name)).Select(t => Call(g, format, t)).OfType<Node>()]);
        return format switch
        {
            ToolFormat.Json => JsonCalls.Grammar(g, call, most),
            ToolFormat.FunctionTag => FunctionTags.Grammar(g, call, most),
            _ => PythonicCalls.Grammar(g, call, most),
        };
    }

    bool IsWanted(string name) => _request.RequiredName is null || _request.RequiredName == name;

    /// <summary>One call of a tool; null if it cannot be called.</summary>
    Node? Call(GrammarBuilder g, ToolFormat format, AIFunctionDeclaration tool)
    {
        try
        {
            return Call(tool.JsonSchema.GetRawText());
        }
        catch (CriaException e) when (_request.IsRequired || GuardedRequest.IsStrict(tool))
        {
            throw new CriaException($"tools holds {OneLine.Quote(tool.Name)}, which cannot be guarded: {e.Message}", e);
        }
        catch (CriaException e)
        {
            _unguarded[tool.Name] = e.Message;
        }
        try
        {
            return Call(ToolSchema.NamesOnly(tool));
        }
        catch (CriaException)
        {
            return null; // its name cannot be written
        }

        Node Call(string schema) => format switch
        {
            ToolFormat.Json => JsonCalls.Grammar(g, tool.Name, schema),
            ToolFormat.FunctionTag => FunctionTags.Grammar(g, tool.Name, schema),
            _ => PythonicCalls.Grammar(g, tool.Name, schema),
        };
    }

    Node Prose(GrammarBuilder g) => new Terminal(Text(g));

    /// <summary>Code that is not read as a call of another tool.</summary>
    Node Code(GrammarBuilder g)
    {
        var r = g.Regulars;
        return new Terminal(r.And(Text(g), r.Not(r.Concat(r.Everything, r.Literal(BuiltinCall.QueryStart), r.Everything))));
    }

    /// <summary>
    /// Text that no syntax takes for a call. In the model's own syntax what begins like a call of any name must become one, so that a name cannot
    /// be misspelt; the others are told apart by what they would be read as.
    /// </summary>
    Regular Text(GrammarBuilder g)
    {
        var r = g.Regulars;
        var names = r.AnyOf(_request.Tools.Select(t => t.Name).Concat(_request.BuiltinTools).Distinct().Select(Encoding.UTF8.GetBytes));
        var list = r.Concat(g.Language($@"\[{Blanks}"), names, g.Language($@"{Blanks}\("));
        if (_request.Format == ToolFormat.Pythonic)
            list = r.Or(list, g.Language($@"\[{Blanks}[A-Za-z_]"));
        var json = g.Language(_request.Format == ToolFormat.Json ? $@"\{{{Blanks}""" : $@"\{{{Blanks}""(?:{string.Join('|', JsonCalls.Keys)})""");
        var builtin = r.Concat(names, r.Literal(BuiltinCall.QueryStart));
        return r.And(g.Language(@"[\s\S]*"),
            r.Not(r.Concat(g.Language(Blanks), r.Or(list, json, builtin), r.Everything)),
            r.Not(r.Concat(r.Everything, r.Literal(FunctionTags.Start), r.Everything)));
    }
}

/// <summary>The guards of the latest requests: with the same tools their masks are not computed again. Thread-safe.</summary>
sealed class ReplyGuards
{
    const int Most = 4;

    readonly Lock _gate = new();
    readonly List<(string Key, ReplyGuard Guard)> _latest = [];

    /// <exception cref="CriaException">The request cannot be guarded.</exception>
    public ReplyGuard Of(GuardedRequest request)
    {
        var key = request.Key;
        lock (_gate)
            if (_latest.FindIndex(l => l.Key == key) is var at and >= 0)
            {
                var found = _latest[at];
                _latest.RemoveAt(at);
                _latest.Add(found);
                return found.Guard;
            }
        var guard = new ReplyGuard(request);
        lock (_gate)
        {
            if (_latest.Count == Most)
                _latest.RemoveAt(0);
            _latest.Add((key, guard));
        }
        return guard;
    }
}
