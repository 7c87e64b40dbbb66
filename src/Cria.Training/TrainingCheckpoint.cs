using System.Text.Json;
using Cria.Formats;
using Cria.Tensors;
using Cria.Training.Data;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace Cria.Training;

/// <summary>What a checkpoint holds beside tensors.</summary>
sealed record TrainingState(int Step, long Tokens, PackerState Packer, byte[]? Random = null);

/// <summary>
/// A directory that training goes on from: `training.safetensors` with the weights and the optimizers' moments in F32, and `state.json` with the
/// step, the data cursor and libtorch's random state. Written aside and renamed.
/// </summary>
sealed class TrainingCheckpoint
{
    const string TensorFile = "training.safetensors", StateFile = "state.json";

    readonly string _path;

    /// <summary>Opens a checkpoint.</summary>
    /// <exception cref="CriaException">It is not there or damaged.</exception>
    public TrainingCheckpoint(string path)
    {
        _path = path;
        var file = Path.Combine(path, StateFile);
        try
        {
            State = JsonSerializer.Deserialize<TrainingState>(File.ReadAllBytes(file)) is { Packer.Pending: not null } state ? state
                : throw new CriaException($"{file}: no training state");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CriaException($"{file}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    public TrainingState State { get; }

    /// <summary>Writes a checkpoint and deletes all but the newest two beside it.</summary>
    public static void Save(string path, IEnumerable<(string Name, Tensor Tensor)> tensors, TrainingState state)
    {
        using (var random = get_rng_state())
            state = state with { Random = random.data<byte>().ToArray() };
        WholeDirectory.Write(path, aside =>
        {
            SafetensorsWriter.Write(Path.Combine(aside, TensorFile), tensors
                .Select(t => (t.Name, ElementType.F32, t.Tensor.shape, (ReadOnlyMemory<byte>)ModelDirectory.Bytes(t.Tensor, ElementType.F32))));
            File.WriteAllBytes(Path.Combine(aside, StateFile), JsonSerializer.SerializeToUtf8Bytes(state));
        });
        foreach (var old in TrainingRun.Checkpoints(Path.GetDirectoryName(path)!).SkipLast(2))
            Directory.Delete(old, recursive: true);
    }

    /// <summary>Puts tensors and the random state back.</summary>
    /// <exception cref="CriaException">A tensor is missing or has another shape.</exception>
    public void Restore(IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        var file = Path.Combine(_path, TensorFile);
        using var stored = SafetensorsFile.Open(file);
        using var _ = no_grad();
        foreach (var (name, tensor) in tensors)
            ModelDirectory.CopyTo(stored.Tensors.FirstOrDefault(t => t.Name == name) ?? throw new CriaException($"{file}: no tensor {name}"), tensor);
        using var random = torch.tensor(State.Random ?? throw new CriaException($"{Path.Combine(_path, StateFile)}: Random is missing"));
        set_rng_state(random);
    }
}
