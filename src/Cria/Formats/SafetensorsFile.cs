using Cria.Tensors;

namespace Cria.Formats;

/// <summary>
/// A mapped safetensors file (spec 4.1). <see cref="Open"/> checks the whole header before any tensor can be read: every byte of
/// the data belongs to exactly one tensor. Safe from any number of threads until it is disposed.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    readonly MappedFile _file;
    readonly Dictionary<string, Tensor> _byName;

    SafetensorsFile(MappedFile file, List<Tensor> tensors)
    {
        (_file, Tensors) = (file, tensors);
        _byName = tensors.ToDictionary(t => t.Name);
    }

    /// <summary>Maps and checks a file. Costs memory for the names only.</summary>
    /// <exception cref="CriaException">The file cannot be opened, or its header is not valid.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = MappedFile.Open(path);
        try
        {
            return new SafetensorsFile(file, SafetensorsHeader.Read(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The path it was opened with.</summary>
    public string Path => _file.Path;

    /// <summary>All tensors in the order of the data.</summary>
    public IReadOnlyList<Tensor> Tensors { get; }

    /// <summary>The tensor of a name, or null.</summary>
    public Tensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Unmaps the file; its tensors can no longer be read.</summary>
    public void Dispose() => _file.Dispose();
}
