using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Cria.Chat;
using Microsoft.Extensions.AI;

namespace Cria.Cli.Commands;

/// <summary>A dialogue with a client: its history, kept in a file if there is one.</summary>
sealed class ChatSession
{
    readonly IChatClient _client;
    readonly ChatOptions _options;
    readonly string? _file;
    readonly List<ChatMessage> _messages;

    /// <param name="client">The model.</param>
    /// <param name="options">For every answer.</param>
    /// <param name="messages">How the dialogue begins; a session file that exists goes before it.</param>
    /// <param name="file">Where the dialogue is kept, in OpenAI's shape, or null.</param>
    /// <exception cref="CriaException">The file is no such dialogue.</exception>
    public ChatSession(IChatClient client, ChatOptions options, IEnumerable<ChatMessage> messages, string? file)
    {
        (_client, _options, _file) = (client, options, file);
        if (Directory.Exists(file))
            throw new CriaException($"{file}: a directory, not a session file");
        _messages = [.. File.Exists(file) ? Input.ReadJson(file, ChatJson.ReadMessages) : [], .. messages];
    }

    public IReadOnlyList<ChatMessage> Messages => _messages;

    /// <summary>Forgets everything but the system message.</summary>
    public void Reset()
    {
        _messages.RemoveAll(m => m.Role != ChatRole.System);
        Save();
    }

    /// <summary>Sets the system message, or takes it away if the text is empty.</summary>
    public void SetSystem(string text)
    {
        _messages.RemoveAll(m => m.Role == ChatRole.System);
        if (text.Length > 0)
            _messages.Insert(0, new(ChatRole.System, text));
        Save();
    }

    /// <summary>The message that answers a call: the result of the one called last.</summary>
    /// <exception cref="CriaException">The last message calls nothing.</exception>
    public ChatMessage ToolMessage(string result) =>
        _messages.LastOrDefault()?.Contents.OfType<FunctionCallContent>().LastOrDefault() is { } call
            ? new(ChatRole.Tool, [new FunctionResultContent(call.CallId, result)])
            : throw new CriaException("the last answer calls no tool");

    /// <summary>
    /// Asks and takes the answer into the history; <see cref="Save"/> keeps it. An answer that is cancelled stays in the history as far
    /// as it came; after an error that is as it was.
    /// </summary>
    /// <param name="question">The next message; null = answer the history as it stands.</param>
    /// <param name="show">Gets each piece of the answer's text at once.</param>
    /// <param name="cancellation">Stops the answer.</param>
    public async Task<ChatAnswer> AskAsync(ChatMessage? question, Action<string> show, CancellationToken cancellation)
    {
        var before = _messages.Count;
        if (question is not null)
            _messages.Add(question);
        var updates = new List<ChatResponseUpdate>();
        var clock = Stopwatch.StartNew();
        var first = TimeSpan.Zero;
        try
        {
            await foreach (var update in _client.GetStreamingResponseAsync(_messages, _options, cancellation))
            {
                if (updates.Count == 0)
                    first = clock.Elapsed;
                updates.Add(update);
                show(update.Text);
            }
        }
        catch (OperationCanceledException) when (updates.Count > 0)
        {
        }
        catch
        {
            _messages.RemoveRange(before, _messages.Count - before);
            throw;
        }
        _messages.AddMessages(updates);
        return new(updates, first, clock.Elapsed);
    }

    /// <summary>Writes the session file, if there is one.</summary>
    /// <exception cref="CriaException">It cannot be written; the dialogue goes on without it.</exception>
    public void Save()
    {
        if (_file is null)
            return;
        var aside = _file + ".new";
        try
        {
            File.WriteAllText(aside, ToJson(_messages), new UTF8Encoding(false));
            File.Move(aside, _file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CriaException($"{_file}: the session is not saved: {e.Message}", e);
        }
    }

    static string ToJson(List<ChatMessage> messages)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Output.Options with { Indented = true }))
        {
            json.WriteStartArray();
            foreach (var message in messages)
                Write(message, json);
            json.WriteEndArray();
        }
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n";
    }

    /// <summary>Texts and images, these as data URLs.</summary>
    static void WriteParts(ChatMessage message, Utf8JsonWriter json)
    {
        json.WriteStartArray("content");
        foreach (var content in message.Contents)
        {
            json.WriteStartObject();
            if (content is DataContent image)
            {
                json.WriteString("type", "image_url");
                json.WriteStartObject("image_url");
                json.WriteString("url", image.Uri);
                json.WriteEndObject();
            }
            else
            {
                json.WriteString("type", "text");
                json.WriteString("text", ((TextContent)content).Text);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void Write(ChatMessage message, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("role", message.Role.Value);
        if (message.Contents.OfType<FunctionResultContent>().FirstOrDefault() is { } result)
        {
            json.WriteString("tool_call_id", result.CallId);
            json.WritePropertyName("content");
            json.WriteValue(result.Result);
        }
        else if (message.Contents.OfType<DataContent>().Any())
            WriteParts(message, json);
        else
            json.WriteString("content", message.Text);
        var calls = message.Contents.OfType<FunctionCallContent>().ToList();
        if (calls.Count > 0)
        {
            json.WriteStartArray("tool_calls");
            foreach (var call in calls)
            {
                json.WriteStartObject();
                json.WriteString("id", call.CallId);
                json.WriteString("type", "function");
                json.WriteStartObject("function");
                json.WriteString("name", call.Name);
                json.WriteString("arguments", Output.ToJson(w =>
                {
                    foreach (var (name, value) in call.Arguments ?? new Dictionary<string, object?>())
                    {
                        w.WritePropertyName(name);
                        w.WriteValue(value);
                    }
                }));
                json.WriteEndObject();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        foreach (var name in new[] { ChatFormat.StopReason, ChatFormat.Context })
            if (message.AdditionalProperties?.TryGetValue(name, out var value) == true && value is string text)
                json.WriteString(name, text);
        json.WriteEndObject();
    }
}
