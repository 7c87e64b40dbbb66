using System.Text;
using System.Text.Unicode;
using Cria.Tensors;

namespace Cria.Formats;

/// <summary>A mapped GGUF file: metadata and tensors. Safe from any number of threads until it is disposed.</summary>
sealed unsafe class GgufFile : IDisposable
{
    readonly MappedFile _file;

    GgufFile(MappedFile file)
    {
        _file = file;
        (Values, Tensors) = GgufHeader.Read(file);
    }

    /// <summary>Maps a file and checks its head; costs memory for keys and names only.</summary>
    /// <exception cref="CriaException">The file cannot be opened or is not valid.</exception>
    public static GgufFile Open(string path)
    {
        var file = MappedFile.Open(path);
        try
        {
            return new GgufFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether a file begins like a GGUF.</summary>
    public static bool Is(string path)
    {
        try
        {
            Span<byte> magic = stackalloc byte[4];
            using var file = File.OpenHandle(path);
            return RandomAccess.Read(file, magic, 0) == 4 && magic.SequenceEqual("GGUF"u8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // whoever opens it says what is wrong
        }
    }

    /// <summary>The path it was opened with.</summary>
    public string Path => _file.Path;

    /// <summary>The metadata in the order of the file.</summary>
    public IReadOnlyDictionary<string, GgufValue> Values { get; }

    /// <summary>The tensors in the order of the data.</summary>
    public IReadOnlyList<Tensor> Tensors { get; }

    /// <summary>An integer between two bounds, or null where the key is missing.</summary>
    /// <exception cref="CriaException">It is something else.</exception>
    public int? Integer(string key, int min, int max)
    {
        if (Find(key) is not { } value)
            return null;
        return !value.IsArray && value.Integer() is { } number && number >= min && number <= max ? (int)number
            : throw Error(key, $"is {Show(value)}, not an integer between {min} and {max}");
    }

    /// <summary>A finite number above a bound, or null where the key is missing.</summary>
    /// <exception cref="CriaException">It is something else.</exception>
    public float? Number(string key, float above)
    {
        if (Find(key) is not { } value)
            return null;
        return !value.IsArray && value.Number() is { } number && float.IsFinite((float)number) && (float)number > above ? (float)number
            : throw Error(key, $"is {Show(value)}, not a number above {above}");
    }

    /// <summary>true or false, or null where the key is missing.</summary>
    /// <exception cref="CriaException">It is something else.</exception>
    public bool? Flag(string key)
    {
        if (Find(key) is not { } value)
            return null;
        return value is { Type: GgufType.Bool, IsArray: false } ? *(byte*)value.Data != 0 : throw Error(key, $"is {Show(value)}, not true or false");
    }

    /// <summary>A text of at most so many bytes, or null where the key is missing.</summary>
    /// <exception cref="CriaException">It is something else.</exception>
    public string? Text(string key, int max)
    {
        if (Find(key) is not { } value)
            return null;
        if (value is not { Type: GgufType.String, IsArray: false })
            throw Error(key, "is no text");
        var text = value.Text();
        return text.Length <= max && Utf8.IsValid(text) ? Encoding.UTF8.GetString(text) : throw Error(key, $"is no UTF-8 text of at most {max} bytes");
    }

    /// <summary>An array of strings or of integers, or null where the key is missing.</summary>
    /// <exception cref="CriaException">It is something else.</exception>
    public GgufValue? List(string key, GgufType type)
    {
        if (Find(key) is not { } value)
            return null;
        return value.IsArray && (value.Type == type || (type == GgufType.I32 && value.Type == GgufType.U32)) ? value
            : throw Error(key, $"is no list of {type}");
    }

    /// <summary>An error that names the file and a key.</summary>
    public CriaException Error(string key, string what) => new($"{Path}: {key} {what}");

    /// <summary>Unmaps the file; its tensors can no longer be read.</summary>
    public void Dispose() => _file.Dispose();

    GgufValue? Find(string key) => Values.TryGetValue(key, out var value) ? value : null;

    static string Show(GgufValue value) => value.IsArray ? "a list" : value.Type == GgufType.String ? "a text" : FormattableString.Invariant($"{value.Number()}");
}
