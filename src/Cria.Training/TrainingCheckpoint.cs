using System.Text.Json;
using Cria.Formats;
using Cria.Tensors;
using Cria.Training.Data;
using Cria.Training.Modules;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace Cria.Training;

/// <summary>What a checkpoint holds beside tensors.</summary>
sealed record TrainingState(int Step, long Tokens, PackerState Packer, byte[]? Random = null);

/// <summary>
/// A directory that training goes on from: `training.safetensors` with the weights and both moments in F32, and `state.json` with the
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
    public static void Save(string path, TextModule model, AdamW optimizer, TrainingState state)
    {
        using (var random = get_rng_state())
            state = state with { Random = random.data<byte>().ToArray() };
        WholeDirectory.Write(path, aside =>
        {
            SafetensorsWriter.Write(Path.Combine(aside, TensorFile), Named(model, optimizer)
                .Select(t => (t.Name, ElementType.F32, t.Tensor.shape, (ReadOnlyMemory<byte>)ModelDirectory.Bytes(t.Tensor, ElementType.F32))));
            File.WriteAllBytes(Path.Combine(aside, StateFile), JsonSerializer.SerializeToUtf8Bytes(state));
        });
        foreach (var old in TrainingRun.Checkpoints(Path.GetDirectoryName(path)!).SkipLast(2))
            Directory.Delete(old, recursive: true);
    }

    /// <summary>Puts weights, moments and the random state back.</summary>
    public void Restore(TextModule model, AdamW optimizer)
    {
        var file = Path.Combine(_path, TensorFile);
        using var tensors = SafetensorsFile.Open(file);
        using var _ = no_grad();
        foreach (var (name, tensor) in Named(model, optimizer))
        {
            var stored = tensors.Tensors.FirstOrDefault(t => t.Name == name) ?? throw new CriaException($"{file}: no tensor {name}");
            ModelDirectory.CopyTo(stored, tensor);
        }
        optimizer.StepCount = State.Step;
        using var random = tensor(State.Random ?? throw new CriaException($"{Path.Combine(_path, StateFile)}: Random is missing"));
        set_rng_state(random);
    }

    static IEnumerable<(string Name, Tensor Tensor)> Named(TextModule model, AdamW optimizer)
    {
        foreach (var (name, weight) in model.Weights)
        {
            yield return (name, weight);
            yield return ("first." + name, optimizer.Moments[name].First);
            yield return ("second." + name, optimizer.Moments[name].Second);
        }
    }
}
