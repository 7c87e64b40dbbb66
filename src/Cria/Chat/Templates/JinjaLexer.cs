using System.Globalization;
using System.Text;

namespace Cria.Chat.Templates;

enum TokenKind
{
    Text,
    VariableStart,
    VariableEnd,
    BlockStart,
    BlockEnd,
    Name,
    String,
    Number,
    Operator,
    End,
}

readonly record struct JinjaToken(TokenKind Kind, string Text, int Line);

/// <summary>Cuts a template into tokens, with the white space rules that transformers sets: trim_blocks, lstrip_blocks, no newline at the end.</summary>
sealed class JinjaLexer
{
    static readonly string[] Operators = ["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ".", ":", "|"];

    readonly string _text;
    readonly List<JinjaToken> _tokens = [];
    int _at;
    bool _trims; // what follows a tag with a minus

    JinjaLexer(string text)
    {
        text = text.ReplaceLineEndings("\n");
        _text = text.EndsWith('\n') ? text[..^1] : text;
    }

    public static List<JinjaToken> Read(string text)
    {
        var lexer = new JinjaLexer(text);
        while (lexer._at < lexer._text.Length)
            lexer.Next();
        lexer.Add(TokenKind.End, "");
        return lexer._tokens;
    }

    void Next()
    {
        var tag = _at;
        do
            tag = _text.IndexOf('{', tag);
        while (tag >= 0 && (tag + 1 >= _text.Length || _text[tag + 1] is not ('{' or '%' or '#')) && ++tag > 0);
        var text = _text[_at..(tag < 0 ? _text.Length : tag)];
        if (_trims)
            text = text.TrimStart();
        _trims = false;
        if (tag < 0)
        {
            AddText(text);
            _at = _text.Length;
            return;
        }
        var sign = tag + 2 < _text.Length ? _text[tag + 2] : ' ';
        if (sign == '-')
            text = text.TrimEnd();
        else if (sign != '+' && _text[tag + 1] != '{')
            text = TrimIndent(text, atLineStart: _at == 0 || _text[_at - 1] == '\n');
        AddText(text);
        _at = tag + (sign is '-' or '+' ? 3 : 2);
        if (_text[tag + 1] == '#')
        {
            var end = _text.IndexOf("#}", _at, StringComparison.Ordinal);
            if (end < 0)
                throw Wrong("a comment has no end");
            var trims = end > _at && _text[end - 1] == '-';
            _at = end + 2;
            AfterTag(trims, isBlock: true);
        }
        else
        {
            Tag(isBlock: _text[tag + 1] == '%');
        }
    }

    /// <summary>Takes off the blanks between the beginning of the line and a tag.</summary>
    static string TrimIndent(string text, bool atLineStart)
    {
        var line = text.TrimEnd(' ', '\t');
        return line.Length == 0 ? atLineStart ? "" : text : line[^1] == '\n' ? line : text;
    }

    void Tag(bool isBlock)
    {
        Add(isBlock ? TokenKind.BlockStart : TokenKind.VariableStart, "");
        var close = isBlock ? "%}" : "}}";
        var depth = 0;
        while (true)
        {
            while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
                _at++;
            if (_at >= _text.Length)
                throw Wrong("a tag has no end");
            var trims = depth == 0 && _text[_at] == '-' && Stands(close, _at + 1);
            if (trims || depth == 0 && Stands(close, _at) || depth == 0 && _text[_at] == '+' && Stands(close, _at + 1))
            {
                _at += _text[_at] is '-' or '+' ? 3 : 2;
                Add(isBlock ? TokenKind.BlockEnd : TokenKind.VariableEnd, "");
                if (isBlock && _tokens[^2] is { Kind: TokenKind.Name, Text: "raw" } && _tokens[^3].Kind == TokenKind.BlockStart)
                    Raw(trims);
                else
                    AfterTag(trims, isBlock);
                return;
            }
            var c = _text[_at];
            if (c is '"' or '\'')
                String(c);
            else if (char.IsAsciiDigit(c))
                Number();
            else if (char.IsLetter(c) || c == '_')
                Add(TokenKind.Name, While(char.IsLetterOrDigit));
            else
            {
                var found = Operators.FirstOrDefault(o => Stands(o, _at)) ?? throw Wrong($"unexpected {c}");
                depth += found is "(" or "[" or "{" ? 1 : found is ")" or "]" or "}" ? -1 : 0;
                Add(TokenKind.Operator, found);
                _at += found.Length;
            }
        }
    }

    void AfterTag(bool trims, bool isBlock)
    {
        _trims = trims;
        if (!trims && isBlock && _at < _text.Length && _text[_at] == '\n')
            _at++;
    }

    /// <summary>Text up to the tag endraw, as it is.</summary>
    void Raw(bool trims)
    {
        _tokens.RemoveRange(_tokens.Count - 3, 3);
        var end = _text.IndexOf("endraw", _at, StringComparison.Ordinal);
        var open = end < 0 ? -1 : _text.LastIndexOf("{%", end, StringComparison.Ordinal);
        var close = end < 0 ? -1 : _text.IndexOf("%}", end, StringComparison.Ordinal);
        if (open < _at || close < 0)
            throw Wrong("raw has no end");
        var text = _text[_at..open];
        text = trims ? text.TrimStart() : text.StartsWith('\n') ? text[1..] : text;
        AddText(_text[open + 2] == '-' ? text.TrimEnd() : TrimIndent(text, atLineStart: false));
        _at = close + 2;
        AfterTag(_text[close - 1] == '-', isBlock: true);
    }

    void String(char quote)
    {
        var value = new StringBuilder();
        for (_at++; ; _at++)
        {
            if (_at >= _text.Length)
                throw Wrong("a string has no end");
            if (_text[_at] == quote)
                break;
            if (_text[_at] != '\\' || _at + 1 >= _text.Length)
            {
                value.Append(_text[_at]);
                continue;
            }
            var escaped = _text[++_at];
            var digits = escaped switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
            if (digits > 0)
            {
                if (_at + digits >= _text.Length || !int.TryParse(_text.AsSpan(_at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || code is < 0 or > 0x10FFFF)
                    throw Wrong("an escape is not hexadecimal");
                value.Append(code < 0x10000 ? ((char)code).ToString() : char.ConvertFromUtf32(code));
                _at += digits;
                continue;
            }
            value.Append(escaped switch { 'n' => "\n", 't' => "\t", 'r' => "\r", 'b' => "\b", 'f' => "\f", 'a' => "\a", 'v' => "\v", '0' => "\0", '\\' or '\'' or '"' => escaped.ToString(), '\n' => "", _ => $"\\{escaped}" });
        }
        _at++;
        Add(TokenKind.String, value.ToString());
    }

    void Number()
    {
        var start = _at;
        While(char.IsAsciiDigit);
        if (_at + 1 < _text.Length && _text[_at] == '.' && char.IsAsciiDigit(_text[_at + 1]))
        {
            _at++;
            While(char.IsAsciiDigit);
        }
        if (_at + 1 < _text.Length && _text[_at] is 'e' or 'E' && (char.IsAsciiDigit(_text[_at + 1]) || _at + 2 < _text.Length && _text[_at + 1] is '+' or '-' && char.IsAsciiDigit(_text[_at + 2])))
        {
            _at += 2;
            While(char.IsAsciiDigit);
        }
        Add(TokenKind.Number, _text[start.._at].Replace("_", ""));
    }

    string While(Func<char, bool> belongs)
    {
        var start = _at;
        while (_at < _text.Length && (belongs(_text[_at]) || _text[_at] == '_'))
            _at++;
        return _text[start.._at];
    }

    bool Stands(string what, int at) => _text.AsSpan(Math.Min(at, _text.Length)).StartsWith(what);

    void AddText(string text)
    {
        if (text.Length > 0)
            Add(TokenKind.Text, text);
    }

    void Add(TokenKind kind, string text) => _tokens.Add(new(kind, text, Line));

    int Line => _text.AsSpan(0, Math.Min(_at, _text.Length)).Count('\n') + 1;

    CriaException Wrong(string what) => new($"chat template, line {Line}: {what}");
}
