using System.Text.Json;
using Cria.Chat;
using Cria.Evaluation.Pocket;
using Cria.Tokenization;

namespace Cria.Training.Data;

/// <summary>
/// Documents from files, held as ids. One in fifty, at least one, is kept for validation. Training goes through the others in an
/// order that the seed and the epoch decide.
/// </summary>
sealed class FileDocuments
{
    readonly List<TrainingDocument> _train = [], _validation = [];
    readonly ulong _seed;
    int[] _order = [];
    long _orderEpoch = -1;

    FileDocuments(List<TrainingDocument> documents, string path, ulong seed)
    {
        if (documents.Count < 2)
            throw new CriaException($"{path}: {documents.Count} documents are too few, one trains and one validates");
        _seed = seed;
        PocketRandom.For("split", seed, 0).Shuffle(documents);
        var held = Math.Max(1, documents.Count / 50);
        _validation.AddRange(documents[..held]);
        _train.AddRange(documents[held..]);
    }

    /// <summary>Plain text, documents parted by two empty lines; or `.jsonl` with one `{"text":...}` a line. Long documents are cut into rows.</summary>
    /// <exception cref="CriaException">A file cannot be read; the message names file and line.</exception>
    public static FileDocuments ReadText(string path, Tokenizer tokenizer, int rowLength, ulong seed)
    {
        var documents = new List<TrainingDocument>();
        foreach (var text in Texts(path))
            foreach (var piece in ((int[])[tokenizer.BosId, .. tokenizer.Encode(text), tokenizer.EndOfTextId]).Chunk(rowLength))
                documents.Add(TrainingDocument.Text(piece));
        return new(documents, path, seed);
    }

    /// <summary>`.jsonl` with one `{"messages":[...],"tools":[...]}` a line in the shape of OpenAI's chat API. What does not fit a row is left out and counted.</summary>
    /// <exception cref="CriaException">A line is not of that shape; the message names file and line.</exception>
    public static FileDocuments ReadChats(string path, Tokenizer tokenizer, int rowLength, ulong seed)
    {
        var documents = Lines(path, line => DialogueDocument.Create(tokenizer,
            ChatJson.ReadMessages(line.TryGetProperty("messages", out var messages) ? messages : throw new CriaException("messages is missing")),
            line.TryGetProperty("tools", out var tools) && tools.ValueKind != JsonValueKind.Null ? ChatJson.ReadTools(tools) : []));
        var fitting = documents.Where(d => d.Tokens.Length <= rowLength).ToList();
        if (fitting.Count < documents.Count)
            Console.Error.WriteLine($"{path}: {documents.Count - fitting.Count} of {documents.Count} dialogues are longer than {rowLength} tokens and left out");
        return new(fitting, path, seed);
    }

    /// <summary>The training document at an index; epochs follow each other.</summary>
    public TrainingDocument Train(long index)
    {
        var epoch = index / _train.Count;
        if (epoch != _orderEpoch)
        {
            _order = [.. Enumerable.Range(0, _train.Count)];
            PocketRandom.For("epoch", _seed, epoch).Shuffle(_order);
            _orderEpoch = epoch;
        }
        return _train[_order[index % _train.Count]];
    }

    /// <summary>The validation document at an index, round and round.</summary>
    public TrainingDocument Validation(long index) => _validation[(int)(index % _validation.Count)];

    static IEnumerable<string> Texts(string path) => !path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase)
        ? File.ReadAllText(path).Split("\n\n\n", StringSplitOptions.RemoveEmptyEntries)
        : Lines(path, line => line.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()!
            : throw new CriaException("text is missing or no string"));

    static List<T> Lines<T>(string path, Func<JsonElement, T> read)
    {
        var results = new List<T>();
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            try
            {
                using var json = JsonDocument.Parse(line);
                if (json.RootElement.ValueKind != JsonValueKind.Object)
                    throw new CriaException("no JSON object");
                results.Add(read(json.RootElement));
            }
            catch (Exception e) when (e is CriaException or JsonException)
            {
                throw new CriaException($"{path}:{number}: {e.Message.ReplaceLineEndings(" ")}", e);
            }
        }
        return results;
    }
}
