using Microsoft.Extensions.AI;

namespace Cria.Cli.Commands;

/// <summary>A conversation line by line. Answers go to <paramref name="output"/>, everything else to <paramref name="notes"/>.</summary>
sealed class ChatTerminal(ChatSession session, TextReader input, TextWriter output, TextWriter notes)
{
    const string Help = """
        /reset        forget the conversation, keep the system message
        /system TEXT  set the system message; without TEXT take it away
        /image FILE   a picture for the next message
        /tool TEXT    the result of the tool that the last answer calls
        /stats        tokens/s after every answer, or no longer
        /exit         leave, as the end of the input does
        Ctrl-C stops an answer; at the prompt it leaves.
        """;

    readonly List<AIContent> _images = []; // of the next message
    CancellationTokenSource? _answer; // of the running answer

    /// <summary>Whether a person types: then there is a prompt.</summary>
    public bool IsInteractive { get; init; }

    /// <summary>Print answers as JSON.</summary>
    public bool AsJson { get; init; }

    /// <summary>Print tokens/s after each answer.</summary>
    public bool ShowStats { get; set; }

    /// <summary>Answers line after line until the input ends; 1 if something failed on the way.</summary>
    public int Converse()
    {
        Console.CancelKeyPress += StopAnswer;
        try
        {
            var result = 0;
            if (IsInteractive)
                notes.WriteLine("/help lists the commands.");
            while (ReadLine() is { } line && line.Trim() is var text && text != "/exit")
            {
                try
                {
                    if (text.Length > 0)
                        result |= text[0] == '/' ? Command(text) : Answer(Question(text));
                }
                catch (Exception e) when (e is CriaException or IOException or UnauthorizedAccessException)
                {
                    notes.WriteLine("cria: " + e.Message);
                    result = 1;
                }
            }
            return IsInteractive ? 0 : result;
        }
        finally
        {
            Console.CancelKeyPress -= StopAnswer;
        }
    }

    /// <summary>Reads a picture for the next message.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public void Attach(string file) => _images.Add(Input.ReadImage(file));

    /// <summary>A message of the user, the pictures that wait for it before its text.</summary>
    public ChatMessage Question(string text)
    {
        var message = new ChatMessage(ChatRole.User, [.. _images, new TextContent(text)]);
        _images.Clear();
        return message;
    }

    /// <summary>Prints the answer to a message, or to the conversation as it stands.</summary>
    public int Answer(ChatMessage? question, CancellationToken cancellation)
    {
        var answer = session.AskAsync(question, text => { if (!AsJson) output.Write(text); }, cancellation).GetAwaiter().GetResult();
        if (AsJson)
            output.WriteLine(Output.ToJson(answer.Write));
        else
            output.WriteLine(answer.CallText);
        if (ShowStats)
            notes.WriteLine(answer.Stats);
        if (answer.Dropped > 0)
            notes.WriteLine($"the context is full: the {answer.Dropped} oldest messages were left out");
        foreach (var (name, why) in answer.Unguarded)
            notes.WriteLine($"calls of {name} are not held to its schema: {why}");
        session.Save();
        return 0;
    }

    /// <summary>Stops the running answer; whether there was one.</summary>
    public bool StopAnswer()
    {
        try
        {
            _answer?.Cancel();
            return _answer is not null;
        }
        catch (ObjectDisposedException) // it ended this moment
        {
            return true;
        }
    }

    void StopAnswer(object? sender, ConsoleCancelEventArgs e) => e.Cancel = StopAnswer();

    int Answer(ChatMessage question)
    {
        using var answer = _answer = new CancellationTokenSource();
        try
        {
            return Answer(question, answer.Token);
        }
        catch (OperationCanceledException) // before the first token
        {
            output.WriteLine();
            return 0;
        }
        finally
        {
            _answer = null;
        }
    }

    int Command(string text)
    {
        var (name, rest) = text.IndexOf(' ') is > 0 and var space ? (text[..space], text[space..].Trim()) : (text, "");
        switch (name)
        {
            case "/help":
                notes.WriteLine(Help);
                return 0;
            case "/reset":
                session.Reset();
                return 0;
            case "/system":
                session.SetSystem(rest);
                return 0;
            case "/image":
                Attach(rest);
                return 0;
            case "/tool":
                return Answer(session.ToolMessage(rest));
            case "/stats":
                ShowStats = !ShowStats;
                return 0;
            default:
                throw new CriaException($"{name} is no command; /help lists them");
        }
    }

    string? ReadLine()
    {
        if (IsInteractive)
            notes.Write("> ");
        return input.ReadLine();
    }
}
