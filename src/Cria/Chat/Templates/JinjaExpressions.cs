using System.Globalization;

namespace Cria.Chat.Templates;

/// <summary>Reads Jinja's expressions from a template's tokens, by recursive descent.</summary>
sealed class JinjaExpressions(List<JinjaToken> tokens)
{
    const int MostDepth = 150;

    static readonly string[] Comparisons = ["==", "!=", "<=", ">=", "<", ">"];

    int _at, _depth;

    public JinjaToken Peek => tokens[_at];

    public JinjaToken Next() => tokens[_at++];

    public CriaException Wrong(string what) => new($"chat template, line {Peek.Line}: {what}");

    public bool Take(string text)
    {
        if (Peek.Kind is not (TokenKind.Operator or TokenKind.Name) || Peek.Text != text)
            return false;
        _at++;
        return true;
    }

    public void Expect(string text)
    {
        if (!Take(text))
            throw Wrong($"{text} is missing");
    }

    public void Expect(TokenKind kind)
    {
        if (Peek.Kind != kind)
            throw Wrong($"unexpected {(Peek.Text.Length > 0 ? Peek.Text : "end")}");
        _at++;
    }

    public string Name() => Peek.Kind == TokenKind.Name ? Next().Text : throw Wrong("a name is missing");

    /// <summary>Names to assign to, with commas between.</summary>
    public IReadOnlyList<string> Names()
    {
        var bracket = Take("(");
        var names = new List<string> { Name() };
        while (Take(","))
            names.Add(Name());
        if (bracket)
            Expect(")");
        return names;
    }

    /// <summary>A value, or several with commas between, which make a list.</summary>
    public Expression List()
    {
        var first = Value();
        if (Peek.Text != "," || Peek.Kind != TokenKind.Operator)
            return first;
        var items = new List<Expression> { first };
        while (Take(",") && Peek.Kind is not (TokenKind.BlockEnd or TokenKind.VariableEnd))
            items.Add(Value());
        return s => items.ConvertAll(i => i(s));
    }

    /// <summary>`a if condition else b` and everything within.</summary>
    public Expression Value()
    {
        if (++_depth > MostDepth)
            throw Wrong($"expressions are nested more than {MostDepth} deep");
        var value = Unconditional();
        while (Take("if"))
        {
            var (then, condition, otherwise) = (value, Unconditional(), Take("else") ? Value() : null);
            value = s => JinjaValue.IsTrue(condition(s)) ? then(s) : otherwise is null ? new Undefined("else") : otherwise(s);
        }
        _depth--;
        return s =>
        {
            s.Run.Step();
            return value(s);
        };
    }

    /// <summary>`or` and everything that binds tighter.</summary>
    public Expression Unconditional()
    {
        var left = And();
        while (Take("or"))
        {
            var (a, b) = (left, And());
            left = s => a(s) is var value && JinjaValue.IsTrue(value) ? value : b(s);
        }
        return left;
    }

    Expression And()
    {
        var left = Not();
        while (Take("and"))
        {
            var (a, b) = (left, Not());
            left = s => a(s) is var value && !JinjaValue.IsTrue(value) ? value : b(s);
        }
        return left;
    }

    Expression Not()
    {
        if (!Take("not"))
            return Comparison();
        var negated = Nested(Not);
        return s => !JinjaValue.IsTrue(negated(s));
    }

    /// <summary>A chain of comparisons, each of neighbours.</summary>
    Expression Comparison()
    {
        var first = Sum();
        var rest = new List<(string What, Expression Value)>();
        while (true)
        {
            if (Peek.Kind == TokenKind.Operator && Comparisons.Contains(Peek.Text))
                rest.Add((Next().Text, Sum()));
            else if (Take("in"))
                rest.Add(("in", Sum()));
            else if (Peek.Text == "not" && Peek.Kind == TokenKind.Name && tokens[_at + 1].Text == "in")
            {
                _at += 2;
                rest.Add(("not in", Sum()));
            }
            else
                break;
        }
        if (rest.Count == 0)
            return first;
        return s =>
        {
            var left = first(s);
            foreach (var (what, value) in rest)
            {
                var right = value(s);
                if (!Holds(what, left, right))
                    return false;
                left = right;
            }
            return true;
        };
    }

    public static bool Holds(string what, object? a, object? b) => what switch
    {
        "==" => JinjaValue.AreEqual(a, b),
        "!=" => !JinjaValue.AreEqual(a, b),
        "in" => JinjaValue.Contains(b, a),
        "not in" => !JinjaValue.Contains(b, a),
        "<" => JinjaValue.Compare(a, b) < 0,
        "<=" => JinjaValue.Compare(a, b) <= 0,
        ">" => JinjaValue.Compare(a, b) > 0,
        _ => JinjaValue.Compare(a, b) >= 0,
    };

    Expression Sum() => Binary(Joined, "+", "-");

    Expression Joined()
    {
        var left = Product();
        while (Take("~"))
        {
            var (a, b) = (left, Product());
            left = s => JinjaValue.Text(a(s)) + JinjaValue.Text(b(s));
        }
        return left;
    }

    Expression Product() => Binary(Power, "*", "/", "//", "%");

    Expression Power() => Binary(() => Unary(filters: true), "**");

    Expression Binary(Func<Expression> part, params string[] operators)
    {
        var left = part();
        while (Peek.Kind == TokenKind.Operator && operators.Contains(Peek.Text))
        {
            var (what, a, b) = (Next().Text, left, part());
            left = s =>
            {
                s.Run.Step();
                return JinjaValue.Calculate(what, a(s), b(s));
            };
        }
        return left;
    }

    Expression Unary(bool filters)
    {
        Expression value;
        if (Take("-"))
        {
            var negated = Nested(() => Unary(filters: false));
            value = s => JinjaValue.Calculate("-", 0L, negated(s));
        }
        else if (Take("+"))
        {
            value = Nested(() => Unary(filters: false));
        }
        else
        {
            value = Postfix(Primary());
        }
        return filters ? Filters(value) : value;
    }

    Expression Nested(Func<Expression> part)
    {
        if (++_depth > MostDepth)
            throw Wrong($"expressions are nested more than {MostDepth} deep");
        var value = part();
        _depth--;
        return value;
    }

    Expression Primary()
    {
        var token = Next();
        switch (token.Kind)
        {
            case TokenKind.String:
                var text = token.Text;
                while (Peek.Kind == TokenKind.String)
                    text += Next().Text;
                return _ => text;
            case TokenKind.Number:
                var number = JinjaValue.Number(token.Text);
                return _ => number;
            case TokenKind.Name:
                return token.Text switch
                {
                    "true" or "True" => _ => true,
                    "false" or "False" => _ => false,
                    "none" or "None" => _ => null,
                    var name => s => s[name],
                };
            case TokenKind.Operator when token.Text == "(":
                if (Take(")"))
                    return _ => new List<object?>();
                var inner = Tuple();
                Expect(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                var items = Items("]");
                return s => items.ConvertAll(i => i(s));
            case TokenKind.Operator when token.Text == "{":
                return Map();
            default:
                _at--;
                throw Wrong($"unexpected {(token.Text.Length > 0 ? token.Text : "end")}");
        }
    }

    Expression Tuple()
    {
        var first = Value();
        if (!Take(","))
            return first;
        List<Expression> items = [first];
        while (Peek.Text != ")")
        {
            items.Add(Value());
            if (!Take(","))
                break;
        }
        return s => items.ConvertAll(i => i(s));
    }

    List<Expression> Items(string close)
    {
        var items = new List<Expression>();
        while (!Take(close))
        {
            items.Add(Value());
            if (Take(","))
                continue;
            Expect(close);
            break;
        }
        return items;
    }

    Expression Map()
    {
        var items = new List<(Expression Key, Expression Value)>();
        while (!Take("}"))
        {
            var key = Value();
            Expect(":");
            items.Add((key, Value()));
            if (Take(","))
                continue;
            Expect("}");
            break;
        }
        return s =>
        {
            var map = new Dictionary<string, object?>();
            foreach (var (key, value) in items)
                map[JinjaValue.Text(key(s))] = value(s);
            return map;
        };
    }

    Expression Postfix(Expression value)
    {
        while (true)
        {
            var target = value;
            if (Take("."))
            {
                var name = Peek.Kind == TokenKind.Number ? Next().Text : Name();
                value = s => Attribute(target(s), name);
            }
            else if (Take("["))
            {
                value = Subscript(target);
            }
            else if (Take("("))
            {
                var arguments = Arguments();
                value = s =>
                {
                    s.Run.Step();
                    return target(s) is Callable function ? function(arguments(s)) : throw new CriaException($"chat template: {JinjaValue.Kind(target(s))} is called");
                };
            }
            else
            {
                return value;
            }
        }
    }

    public static object? Attribute(object? value, string name) =>
        JinjaMethods.Find(value, name) is { } method ? method : value is List<object?> or string && long.TryParse(name, CultureInfo.InvariantCulture, out var at) ? JinjaValue.Item(value, at) : JinjaValue.Item(value, name);

    Expression Subscript(Expression target)
    {
        var parts = new Expression?[3];
        var part = 0;
        while (!Take("]"))
        {
            if (Take(":"))
            {
                if (++part > 2)
                    throw Wrong("a slice has too many parts");
            }
            else
            {
                parts[part] = parts[part] is null ? Value() : throw Wrong("] is missing");
            }
        }
        var (from, to, step) = (parts[0], parts[1], parts[2]);
        if (part > 0)
            return s => JinjaValue.Slice(target(s), from?.Invoke(s), to?.Invoke(s), step?.Invoke(s));
        if (from is null)
            throw Wrong("an index is missing");
        return s => target(s) is var value && from(s) is string name && value is not (Dictionary<string, object?> or JinjaNamespace) ? Attribute(value, name) : JinjaValue.Item(value, from(s));
    }

    /// <summary>The arguments of a call behind its opening parenthesis.</summary>
    Func<JinjaScope, Arguments> Arguments()
    {
        var positional = new List<Expression>();
        var named = new List<(string Name, Expression Value)>();
        while (!Take(")"))
        {
            if (Peek.Kind == TokenKind.Name && tokens[_at + 1] is { Kind: TokenKind.Operator, Text: "=" })
            {
                var name = Name();
                Expect("=");
                named.Add((name, Value()));
            }
            else
            {
                positional.Add(Value());
            }
            if (Take(","))
                continue;
            Expect(")");
            break;
        }
        return s => new(positional.ConvertAll(p => p(s)), named.ToDictionary(n => n.Name, n => n.Value(s)));
    }

    /// <summary>`| filter` and `is test` behind a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="isFirst">Whether a filter's name comes first, as in a block `filter`.</param>
    public Expression Filters(Expression value, bool isFirst = false)
    {
        while (true)
        {
            var input = value;
            if (isFirst || Take("|"))
            {
                isFirst = false;
                var name = Name();
                var filter = JinjaFilters.Find(name) ?? throw Wrong($"the filter {name} is not known");
                var arguments = Take("(") ? Arguments() : _ => new([], []);
                value = s =>
                {
                    s.Run.Step();
                    return filter(input(s), arguments(s));
                };
            }
            else if (Take("is"))
            {
                var negated = Take("not");
                var name = Peek.Kind == TokenKind.Operator && Comparisons.Contains(Peek.Text) ? Next().Text : Name();
                var test = JinjaFilters.FindTest(name) ?? throw Wrong($"the test {name} is not known");
                var arguments = Take("(") ? Arguments() : TakesArgument() ? Argument() : _ => new([], []);
                value = s => test(input(s), arguments(s)) != negated;
            }
            else if (Peek is { Kind: TokenKind.Operator, Text: "(" or "." or "[" })
            {
                value = Postfix(value);
            }
            else
            {
                return value;
            }
        }

        bool TakesArgument() => Peek.Kind is TokenKind.String or TokenKind.Number || Peek is { Kind: TokenKind.Operator, Text: "[" or "{" }
            || Peek.Kind == TokenKind.Name && Peek.Text is not ("else" or "or" or "and" or "is" or "if" or "not" or "in");

        Func<JinjaScope, Arguments> Argument()
        {
            var argument = Postfix(Primary());
            return s => new([argument(s)], []);
        }
    }
}
