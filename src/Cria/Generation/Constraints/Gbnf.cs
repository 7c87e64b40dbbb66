using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Cria.Generation.Constraints;

/// <summary>Reads grammars in GBNF as llama.cpp does: rules `name ::= alternatives`, texts, character classes, groups and repetitions.</summary>
sealed class Gbnf
{
    const int MostCharacters = 1 << 20, MostNesting = 200, MostRepetitions = 2000, MostParts = 5000;

    sealed class Repetition(Node part, int min, int max) : Node
    {
        public Node Part => part;

        public int Min => min;

        public int Max => max;
    }

    readonly string _text;
    readonly GrammarBuilder _builder;
    readonly Regulars _regulars;
    readonly Dictionary<string, Node> _rules = [];
    readonly Dictionary<string, Lazy> _references = [];
    readonly Dictionary<string, HashSet<string>> _users = []; // the rules that name a rule
    readonly Dictionary<string, long> _least = []; // bytes of a rule's shortest text
    readonly Dictionary<string, Node?> _bodies = []; // as they are used; null while one is made
    readonly Dictionary<Node, string> _names = []; // of references
    readonly Dictionary<Node, Repetition> _repetitions = [];
    string _rule = ""; // the one that is read
    int _at, _depth, _parts;

    Gbnf(string text, GrammarBuilder builder) => (_text, _builder, _regulars) = (text, builder, builder.Regulars);

    public static Node Read(string text, GrammarBuilder builder)
    {
        if (text.Length > MostCharacters)
            throw new CriaException($"the grammar has more than {MostCharacters} characters");
        var reader = new Gbnf(text, builder);
        reader.Space(acrossLines: true);
        while (reader._at < text.Length)
            reader.Rule();
        foreach (var name in reader._references.Keys.Append("root").Where(n => !reader._rules.ContainsKey(n)))
            throw new CriaException($"the grammar has no rule {name}");
        reader.FindShortest();
        var root = reader.Body("root");
        reader.RefuseLeftRecursion();
        return root;
    }

    void Rule()
    {
        (_rule, _parts) = (Name(), 0);
        Space(acrossLines: false);
        if (!Take("::="))
            throw Wrong("::= is missing");
        Space(acrossLines: true);
        var body = Alternatives(isNested: false);
        if (!_rules.TryAdd(_rule, body))
            throw Wrong($"the rule {_rule} is there twice");
        if (_at < _text.Length && _text[_at] is not ('\r' or '\n'))
            throw Wrong("the line does not end");
        Space(acrossLines: true);
    }

    Node Alternatives(bool isNested)
    {
        if (++_depth > MostNesting)
            throw Wrong($"is nested more than {MostNesting} deep");
        var options = new List<Node> { Sequence(isNested) };
        while (Take("|"))
        {
            Space(acrossLines: true);
            options.Add(Sequence(isNested));
        }
        _depth--;
        return new Choice(options);
    }

    Node Sequence(bool isNested)
    {
        var all = new List<Node>();
        while (_at < _text.Length && Item(isNested) is { } item)
        {
            if (++_parts > MostParts)
                throw Wrong($"the rule {_rule} has more than {MostParts} parts");
            Space(isNested);
            all.Add(Repeated(item, isNested));
        }
        return GrammarBuilder.Sequence(all);
    }

    Node? Item(bool isNested)
    {
        switch (_text[_at])
        {
            case '"':
                _at++;
                var text = new StringBuilder();
                while (!Take("\""))
                    text.Append(new Rune(Character()).ToString());
                return new Terminal(_regulars.Literal(text.ToString()));
            case '[':
                _at++;
                var isComplement = Take("^");
                var ranges = new List<(int, int)>();
                while (!Take("]"))
                {
                    var first = Character();
                    ranges.Add((first, _at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] != ']' && ++_at > 0 ? Character() : first));
                }
                var set = new CharacterSet(ranges);
                return new Terminal(Utf8.Of(_regulars, isComplement ? set.Complement() : set));
            case '.':
                _at++;
                return new Terminal(Utf8.Of(_regulars, CharacterSet.All));
            case '(':
                _at++;
                Space(acrossLines: true);
                var group = Alternatives(isNested: true);
                return Take(")") ? group : throw Wrong("a ) is missing");
            default:
                return IsNameCharacter(_text[_at]) ? Reference(Name()) : null;
        }
    }

    Node Repeated(Node item, bool isNested)
    {
        while (_at < _text.Length && _text[_at] is '*' or '+' or '?' or '{')
        {
            var (min, max) = _text[_at++] switch { '*' => (0, Regular.Unbounded), '+' => (1, Regular.Unbounded), '?' => (0, 1), _ => Counts() };
            item = new Repetition(item, min, max);
            Space(isNested);
        }
        return item;
    }

    (int Min, int Max) Counts()
    {
        var end = _text.IndexOf('}', _at);
        var counts = end < 0 ? [] : _text[_at..end].Split(',', StringSplitOptions.TrimEntries);
        if (counts.Length is 0 or > 2 || !int.TryParse(counts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var min))
            throw Wrong("the counts of a repetition are wrong");
        var max = counts.Length == 1 ? min : counts[1].Length == 0 ? Regular.Unbounded : int.TryParse(counts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var most) ? most : -1;
        if (min > max || min > MostRepetitions || max is > MostRepetitions and < Regular.Unbounded)
            throw Wrong($"a repetition must go from less to more, and to at most {MostRepetitions}");
        _at = end + 1;
        return (min, max);
    }

    int Character()
    {
        if (_at == _text.Length || _text[_at] is '\r' or '\n' || !Rune.TryGetRuneAt(_text, _at, out var rune))
            throw Wrong("a text or class does not end");
        _at += rune.Utf16SequenceLength;
        if (rune.Value != '\\')
            return rune.Value;
        var c = _at < _text.Length ? _text[_at++] : throw Wrong("an escape does not end");
        return c switch { 'x' => Hex(2), 'u' => Hex(4), 'U' => Hex(8), 't' => '\t', 'r' => '\r', 'n' => '\n', '\\' or '"' or '[' or ']' => c, _ => throw Wrong($"\\{c} is no escape") };
    }

    int Hex(int digits)
    {
        if (_at + digits > _text.Length || !int.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) || !Rune.IsValid(value))
            throw Wrong("an escape is no character");
        _at += digits;
        return value;
    }

    Lazy Reference(string name)
    {
        if (!_references.TryGetValue(name, out var reference))
        {
            _references[name] = reference = new(() => _bodies[name]!, () => _least[name]);
            (_names[reference], _users[name]) = (name, []);
        }
        _users[name].Add(_rule);
        return reference;
    }

    string Name()
    {
        var start = _at;
        while (_at < _text.Length && IsNameCharacter(_text[_at]))
            _at++;
        return _at > start ? _text[start.._at] : throw Wrong("the name of a rule is missing");
    }

    static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_';

    bool Take(string text)
    {
        if (string.CompareOrdinal(_text, _at, text, 0, text.Length) != 0)
            return false;
        _at += text.Length;
        return true;
    }

    /// <summary>Skips blanks and comments, and line ends within groups and between rules.</summary>
    void Space(bool acrossLines)
    {
        while (_at < _text.Length)
            if (_text[_at] == '#')
                while (_at < _text.Length && _text[_at] is not ('\r' or '\n'))
                    _at++;
            else if (_text[_at] is ' ' or '\t' || acrossLines && (_text[_at] is '\r' or '\n'))
                _at++;
            else
                return;
    }

    /// <summary>The length of each rule's shortest text: what has none is never entered.</summary>
    void FindShortest()
    {
        foreach (var name in _rules.Keys)
            _least[name] = long.MaxValue;
        var open = new Queue<string>(_rules.Keys);
        while (open.TryDequeue(out var name))
            if (Least(_rules[name]) is var now && now < _least[name])
            {
                _least[name] = now;
                foreach (var user in _users.GetValueOrDefault(name) ?? [])
                    open.Enqueue(user);
            }
    }

    long Least(Node node) => node switch
    {
        Terminal t => _regulars.Shortest(t.Language),
        Sequence s => Parser.Sum(Least(s.First), Least(s.Second)),
        Choice c => c.Options.Select(Least).DefaultIfEmpty(long.MaxValue).Min(),
        Repetition r => r.Min == 0 ? 0 : Least(r.Part) is var least && least > int.MaxValue ? least : least * r.Min,
        _ => _least[_names[node]],
    };

    /// <summary>A rule as it is used where it is named: its language if it is regular.</summary>
    Node Body(string name)
    {
        if (_bodies.TryGetValue(name, out var body))
            return body as Terminal ?? (Node)Reference(name);
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new CriaException("the grammar's rules are nested too deeply");
        _bodies[name] = null;
        _bodies[name] = body = Made(_rules[name]);
        return body as Terminal ?? (Node)Reference(name);
    }

    Node Made(Node node)
    {
        switch (node)
        {
            case Sequence sequence:
                if (Least(sequence) == long.MaxValue)
                    return Node.Never;
                var (first, second) = (Made(sequence.First), Made(sequence.Second));
                return first is Terminal a && second is Terminal b ? new Terminal(_regulars.Concat(a.Language, b.Language)) : Node.Then(first, second);
            case Choice choice:
                var options = choice.Options.Where(o => Least(o) < long.MaxValue).Select(Made).ToList();
                var regular = new Terminal(_regulars.Or(options.OfType<Terminal>().Select(t => t.Language).ToList()));
                options.RemoveAll(o => o is Terminal);
                return options.Count == 0 ? regular : regular.Language.Kind == RegularKind.Nothing ? new Choice(options) : new Choice([regular, .. options]);
            case Repetition repetition:
                if (Least(repetition.Part) == long.MaxValue || repetition.Max == 0)
                    return repetition.Min == 0 ? Node.Empty : Node.Never;
                var part = Made(repetition.Part);
                if (part is Terminal one)
                    return new Terminal(_regulars.Repeat(one.Language, repetition.Min, repetition.Max));
                var repeated = _builder.Repeat(part, repetition.Min, repetition.Max);
                _repetitions[repeated] = new(part, repetition.Min, repetition.Max);
                return repeated;
            case Lazy reference:
                return Body(_names[reference]);
            default:
                return node;
        }
    }

    /// <summary>A rule must not reach itself before a character, nor anything that may be empty be repeated.</summary>
    void RefuseLeftRecursion()
    {
        var nullable = new HashSet<string>();
        for (var before = -1; before != nullable.Count;)
        {
            before = nullable.Count;
            foreach (var (name, body) in _bodies.Reverse()) // what a rule names stands behind it
                if (IsNullable(body!))
                    nullable.Add(name);
        }
        var (open, done) = (new HashSet<string>(), new HashSet<string>());
        foreach (var name in _bodies.Keys)
            Visit(name);

        bool IsNullable(Node node) => node switch
        {
            Terminal t => t.Language.IsNullable,
            Sequence s => IsNullable(s.First) && IsNullable(s.Second),
            Choice c => c.Options.Any(IsNullable),
            _ => _repetitions.TryGetValue(node, out var repetition) ? repetition.Min == 0 || IsNullable(repetition.Part) : nullable.Contains(_names[node]),
        };

        void Visit(string name)
        {
            if (open.Contains(name))
                throw new CriaException($"the grammar is left-recursive: the rule {name} can begin with itself");
            if (done.Contains(name))
                return;
            if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
                throw new CriaException("the grammar's rules are nested too deeply");
            open.Add(name);
            Begin(_bodies[name]!);
            open.Remove(name);
            done.Add(name);
        }

        void Begin(Node node)
        {
            switch (node)
            {
                case Sequence sequence:
                    Begin(sequence.First);
                    if (IsNullable(sequence.First))
                        Begin(sequence.Second);
                    break;
                case Choice choice:
                    foreach (var option in choice.Options)
                        Begin(option);
                    break;
                case Lazy when _repetitions.TryGetValue(node, out var repetition):
                    if (IsNullable(repetition.Part))
                        throw new CriaException("the grammar repeats what may be empty");
                    Begin(repetition.Part);
                    break;
                case Lazy:
                    Visit(_names[node]);
                    break;
            }
        }
    }

    CriaException Wrong(string what) => new($"the grammar is wrong at character {_at}: {what}");
}
