using System.Globalization;
using System.Numerics;
using System.Text.Encodings.Web;
using System.Text.Json;
using Cria.Formats;

namespace Cria.Conversion;

/// <summary>Writes the directory of a model.</summary>
static class NewDirectory
{
    static readonly JsonWriterOptions Indented = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true };

    /// <summary>Lets a directory be written aside and renames it when it is complete; after a failure nothing is left behind.</summary>
    /// <exception cref="CriaException">Something of that name exists.</exception>
    public static void Write(string path, Action<string> write)
    {
        if (Path.Exists(path))
            throw new CriaException($"{path}: exists already");
        var aside = $"{Path.TrimEndingDirectorySeparator(path)}.{Guid.NewGuid():N}.part";
        try
        {
            Directory.CreateDirectory(aside);
            write(aside);
            Directory.Move(aside, path);
        }
        finally
        {
            if (Directory.Exists(aside))
                Directory.Delete(aside, recursive: true);
        }
    }

    /// <summary>Writes an object of a JSON file.</summary>
    public static void WriteJson(string path, Action<Utf8JsonWriter> properties)
    {
        using var stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, Indented);
        json.WriteStartObject();
        properties(json);
        json.WriteEndObject();
    }

    /// <summary>
    /// Writes the weights as transformers does: in one file or, where they are more, in shards of at most so many bytes (a larger tensor has one of its own) with an
    /// index. Those of a shard are written when their turn comes.
    /// </summary>
    public static void WriteWeights(string directory, IEnumerable<WrittenTensor> tensors, long shardBytes = 5_000_000_000)
    {
        var (shards, room) = (new List<List<WrittenTensor>>(), 0L);
        foreach (var tensor in tensors)
        {
            if (tensor.Bytes > room)
            {
                shards.Add([]);
                room = shardBytes;
            }
            shards[^1].Add(tensor);
            room -= tensor.Bytes;
        }
        if (shards.Count == 1)
        {
            SafetensorsWriter.Write(Path.Combine(directory, HuggingFaceDirectory.Weights), shards[0]);
            return;
        }
        string Shard(int i) => $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors";
        WriteJson(Path.Combine(directory, HuggingFaceDirectory.Index), json =>
        {
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", shards.Sum(shard => shard.Sum(tensor => tensor.Bytes)));
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            foreach (var (i, shard) in shards.Index())
                foreach (var tensor in shard)
                    json.WriteString(tensor.Name, Shard(i));
            json.WriteEndObject();
        });
        foreach (var (i, shard) in shards.Index())
            SafetensorsWriter.Write(Path.Combine(directory, Shard(i)), shard);
    }

    /// <summary>Writes a list of numbers, as a property if it has a name.</summary>
    public static void WriteArray<T>(this Utf8JsonWriter json, string? name, IEnumerable<T> values) where T : INumber<T>
    {
        if (name is not null)
            json.WritePropertyName(name);
        json.WriteStartArray();
        foreach (var value in values)
            json.WriteRawValue(value.ToString(null, CultureInfo.InvariantCulture));
        json.WriteEndArray();
    }

    /// <summary>Copies those of some files that the model's own directory has.</summary>
    public static void CopyFiles(Checkpoint model, string directory, IEnumerable<string> names)
    {
        foreach (var name in names)
            if (Directory.Exists(model.Path) && File.Exists(Path.Combine(model.Path, name)))
                File.Copy(Path.Combine(model.Path, name), Path.Combine(directory, name));
    }

    /// <summary>Writes `tokenizer.json` from the model's vocabulary, if it has one.</summary>
    public static void WriteTokenizer(Checkpoint model, string directory)
    {
        if (VocabularyList.Read(model) is { } vocabulary)
            WriteJson(Path.Combine(directory, "tokenizer.json"), json => TokenizerJson.Write(json, vocabulary));
    }
}
