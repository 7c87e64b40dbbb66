using System.Runtime.InteropServices;
using Cria.Models;

namespace Cria.Generation;

/// <summary>
/// One text on its way through the scheduler: its tokens are read in chunks. It may lose its cache and read all again without a change to what comes
/// of it. The caller's side (<see cref="Abandon"/>, and where the result is taken from) is thread-safe; everything else belongs to the scheduler.
/// </summary>
/// <param name="text">Its tokens.</param>
/// <param name="adapter">What it is read with.</param>
/// <param name="images">The images of the text in the order of their tokens.</param>
/// <param name="imageToken">The token that stands for an image.</param>
abstract class Request(int[] text, Adapter? adapter, IReadOnlyList<ImageTiles> images, int? imageToken)
{
    protected readonly List<int> _ids = [.. text];
    protected readonly List<ImageFeatures> _features = [];
    protected Sequence? _sequence;
    protected Exception? _error;
    protected bool _isFinished;
    protected int _imagesRead;
    protected TimeSpan _imageTime;
    volatile bool _abandoned;

    public bool IsAbandoned => _abandoned;

    /// <summary>Whether the caller has given up, the result is complete, or it has failed.</summary>
    public bool IsOver => _abandoned || _isFinished || _error is not null;

    /// <summary>What it is read with; null for the model's own.</summary>
    public Adapter? Adapter => adapter;

    /// <summary>The first image that was not read for it; null when it may begin.</summary>
    public ImageTiles? MissingImage => _features.Count < images.Count ? images[_features.Count] : null;

    /// <summary>The tokens known so far; an image's is its <see cref="ImageFeatures.Key"/> once that was read.</summary>
    public ReadOnlySpan<int> Ids => CollectionsMarshal.AsSpan(_ids);

    /// <summary>Tokens that the model has not read.</summary>
    public int Unread => _ids.Count - (_sequence?.Length ?? 0);

    /// <summary>The rows added last of which something is due.</summary>
    public int DueRows { get; protected set; }

    /// <summary>Bytes to allocate until all that is known is read.</summary>
    public virtual long BytesToGrow => _sequence!.BytesToGrow(_ids.Count);

    /// <summary>Told which part of its images is read.</summary>
    protected IProgress<double>? ImageProgress { get; init; }

    /// <summary>A step of reading the missing image has been done for it.</summary>
    public void HearOfImage(double part, bool isRead, TimeSpan taken)
    {
        (_imagesRead, _imageTime) = (_imagesRead + (isRead ? 1 : 0), _imageTime + taken);
        ImageProgress?.Report((_features.Count + part) / images.Count);
    }

    /// <summary>Takes the missing image, and keeps it until the request is over.</summary>
    public void See(ImageFeatures image)
    {
        image.Acquire();
        _features.Add(image);
        _ids[_ids.IndexOf(imageToken!.Value)] = image.Key;
    }

    /// <summary>The token at a position as the model reads it.</summary>
    protected int TokenAt(int position) => _ids[position] is >= 0 and var id ? id : imageToken!.Value;

    /// <summary>The caller no longer listens.</summary>
    public void Abandon() => _abandoned = true;

    /// <summary>Begins to read.</summary>
    public abstract void Begin(TextModel model, PrefixCache prefixes, TextModel? draft);

    /// <summary>Adds rows to a step, at most so many of the unread tokens; gives how many these are.</summary>
    public abstract int AddRows(List<Row> rows, int most);

    /// <summary>
    /// Takes in what was computed for the <see cref="DueRows"/> added last: their logits [V] each, or their states [D] for an embedding. The requests of a
    /// step may do so at once; an error ends this one only.
    /// </summary>
    public abstract void Take(Span<float> values);

    /// <summary>Hands what has come to the caller.</summary>
    public abstract void Publish();

    /// <summary>Leaves what was read to the cache of prefixes.</summary>
    public virtual void Keep(PrefixCache prefixes)
    {
    }

    /// <summary>Ends the request with an error.</summary>
    public void Fail(Exception error)
    {
        _error = error;
        Free();
        Publish();
    }

    /// <summary>Gives the memory back; that of images only when it is over.</summary>
    public virtual void Free()
    {
        _sequence?.Dispose();
        _sequence = null;
        if (!IsOver)
            return;
        _features.ForEach(image => image.Release());
        _features.Clear();
    }
}
