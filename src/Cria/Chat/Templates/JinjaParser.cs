namespace Cria.Chat.Templates;

/// <summary>An expression's value.</summary>
delegate object? Expression(JinjaScope scope);

/// <summary>What a statement does, and whether the loop around it goes on.</summary>
delegate Flow Statement(JinjaScope scope);

enum Flow
{
    Next,
    Break,
    Continue,
}

/// <summary>Reads the statements of Jinja that chat templates use; expressions are read by <see cref="JinjaExpressions"/>.</summary>
sealed class JinjaParser(List<JinjaToken> tokens)
{
    const int MostDepth = 100;

    readonly JinjaExpressions _expressions = new(tokens);
    int _depth;

    /// <summary>The whole template.</summary>
    public Statement Template()
    {
        var body = Body();
        return _expressions.Peek.Kind == TokenKind.End ? body : throw _expressions.Wrong($"unexpected {_expressions.Peek.Text}");
    }

    /// <summary>Text, values and blocks up to one of the given names, which stays unread, its block's beginning read.</summary>
    Statement Body(params string[] ends)
    {
        if (++_depth > MostDepth)
            throw _expressions.Wrong($"blocks are nested more than {MostDepth} deep");
        var parts = new List<Statement>();
        while (_expressions.Peek.Kind != TokenKind.End)
        {
            var token = _expressions.Next();
            if (token.Kind == TokenKind.Text)
            {
                parts.Add(s => Write(s, token.Text));
            }
            else if (token.Kind == TokenKind.VariableStart)
            {
                var value = _expressions.List();
                _expressions.Expect(TokenKind.VariableEnd);
                parts.Add(s => Write(s, JinjaValue.Text(value(s))));
            }
            else if (ends.Contains(_expressions.Peek.Text))
            {
                break;
            }
            else
            {
                parts.Add(Block());
            }
        }
        if (ends.Length > 0 && _expressions.Peek.Kind == TokenKind.End)
            throw _expressions.Wrong($"{string.Join(" or ", ends)} is missing");
        _depth--;
        return Sequence([.. parts]);
    }

    static Flow Write(JinjaScope scope, string text)
    {
        scope.Run.Step();
        scope.Run.Write(text);
        return Flow.Next;
    }

    static Statement Sequence(Statement[] parts) => scope =>
    {
        foreach (var part in parts)
            if (part(scope) is var flow and not Flow.Next)
                return flow;
        return Flow.Next;
    };

    Statement Block()
    {
        var name = _expressions.Name();
        var statement = name switch
        {
            "if" => If(),
            "for" => For(),
            "set" => Set(),
            "macro" => Macro(),
            "filter" => Filter(),
            "with" => With(),
            "generation" => Inside("endgeneration"),
            "break" => _ => Flow.Break,
            "continue" => _ => Flow.Continue,
            _ => throw _expressions.Wrong($"the statement {name} is not known"),
        };
        _expressions.Expect(TokenKind.BlockEnd);
        return statement;
    }

    /// <summary>A body between the end of this tag and the name of its last one.</summary>
    Statement Inside(string end)
    {
        _expressions.Expect(TokenKind.BlockEnd);
        var body = Body(end);
        _expressions.Name();
        return body;
    }

    Statement If()
    {
        var condition = _expressions.Value();
        _expressions.Expect(TokenKind.BlockEnd);
        var then = Body("elif", "else", "endif");
        Statement? otherwise = null;
        switch (_expressions.Name())
        {
            case "elif":
                otherwise = If();
                break;
            case "else":
                otherwise = Inside("endif");
                break;
        }
        return s => JinjaValue.IsTrue(condition(s)) ? then(s) : otherwise?.Invoke(s) ?? Flow.Next;
    }

    Statement For()
    {
        var targets = _expressions.Names();
        _expressions.Expect("in");
        var list = _expressions.Unconditional();
        var filter = _expressions.Take("if") ? _expressions.Value() : null;
        _expressions.Expect(TokenKind.BlockEnd);
        var body = Body("else", "endfor");
        var otherwise = _expressions.Name() == "else" ? Inside("endfor") : null;
        return outer =>
        {
            var items = JinjaValue.Items(list(outer));
            if (filter is not null)
                items = items.FindAll(i => JinjaValue.IsTrue(filter(Scope(i))));
            if (items.Count == 0)
                return otherwise?.Invoke(outer.Inner()) ?? Flow.Next;
            for (var i = 0; i < items.Count; i++)
            {
                outer.Run.Step();
                var scope = Scope(items[i]);
                scope["loop"] = Loop(items, i);
                if (body(scope) == Flow.Break)
                    break;
            }
            return Flow.Next;

            JinjaScope Scope(object? item)
            {
                var scope = outer.Inner();
                Assign(scope, targets, item);
                return scope;
            }
        };
    }

    static Dictionary<string, object?> Loop(List<object?> items, int index) => new()
    {
        ["index"] = index + 1L,
        ["index0"] = (long)index,
        ["revindex"] = (long)items.Count - index,
        ["revindex0"] = (long)items.Count - index - 1,
        ["first"] = index == 0,
        ["last"] = index == items.Count - 1,
        ["length"] = (long)items.Count,
        ["previtem"] = index > 0 ? items[index - 1] : new Undefined("previtem"),
        ["nextitem"] = index < items.Count - 1 ? items[index + 1] : new Undefined("nextitem"),
        ["cycle"] = (Callable)(a => a.Positional.Count > 0 ? a.Positional[index % a.Positional.Count] : null),
    };

    static void Assign(JinjaScope scope, IReadOnlyList<string> targets, object? value)
    {
        if (targets.Count == 1)
        {
            scope[targets[0]] = value;
            return;
        }
        var values = JinjaValue.Items(value);
        if (values.Count != targets.Count)
            throw new CriaException($"chat template: {values.Count} values for {targets.Count} names");
        for (var i = 0; i < targets.Count; i++)
            scope[targets[i]] = values[i];
    }

    Statement Set()
    {
        var targets = _expressions.Names();
        var attribute = _expressions.Take(".") ? _expressions.Name() : null;
        if (_expressions.Take("="))
        {
            var value = _expressions.List();
            return s => Store(s, value(s));
        }
        var body = Inside("endset");
        return s => Store(s, s.Run.Capture(() => body(s.Inner())));

        Flow Store(JinjaScope scope, object? value)
        {
            scope.Run.Step();
            if (attribute is null)
                Assign(scope, targets, value);
            else
                (scope[targets[0]] as JinjaNamespace ?? throw new CriaException($"chat template: {targets[0]} is no namespace")).Values[attribute] = value;
            return Flow.Next;
        }
    }

    Statement Macro()
    {
        var name = _expressions.Name();
        _expressions.Expect("(");
        var parameters = new List<(string Name, Expression? Default)>();
        while (!_expressions.Take(")"))
        {
            parameters.Add((_expressions.Name(), _expressions.Take("=") ? _expressions.Value() : null));
            if (!_expressions.Take(","))
            {
                _expressions.Expect(")");
                break;
            }
        }
        var body = Inside("endmacro");
        return definition =>
        {
            definition[name] = (Callable)(arguments => definition.Run.Capture(() =>
            {
                var scope = definition.Inner();
                for (var i = 0; i < parameters.Count; i++)
                    scope[parameters[i].Name] = i < arguments.Positional.Count ? arguments.Positional[i]
                        : arguments.Named.TryGetValue(parameters[i].Name, out var given) ? given
                        : parameters[i].Default is { } fallback ? fallback(scope) : new Undefined(parameters[i].Name);
                body(scope);
            }));
            return Flow.Next;
        };
    }

    Statement Filter()
    {
        var filter = _expressions.Filters(s => s["caught text"], isFirst: true);
        var body = Inside("endfilter");
        return s =>
        {
            var scope = s.Inner();
            scope["caught text"] = s.Run.Capture(() => body(s.Inner()));
            return Write(s, JinjaValue.Text(filter(scope)));
        };
    }

    Statement With()
    {
        var values = new List<(string Name, Expression Value)>();
        while (_expressions.Peek.Kind != TokenKind.BlockEnd)
        {
            var name = _expressions.Name();
            _expressions.Expect("=");
            values.Add((name, _expressions.Value()));
            _expressions.Take(",");
        }
        var body = Inside("endwith");
        return s =>
        {
            var scope = s.Inner();
            foreach (var (name, value) in values)
                scope[name] = value(s);
            return body(scope);
        };
    }
}
