using System.Diagnostics;
using Cria.Models;

namespace Cria.Generation;

/// <summary>
/// Reads the images of requests before these are admitted, one after another in the order of arrival, and keeps what was read for later requests: a question
/// about an image that was seen before costs no reading. Belongs to the scheduler's thread.
/// </summary>
sealed class ImageStore(TextModel model, long budget) : IDisposable
{
    /// <summary>How long reading goes on before others have their step.</summary>
    static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(100);

    readonly List<Request> _waiting = [];
    readonly LinkedList<ImageFeatures> _kept = []; // the one used last first
    ImageReading? _reading;

    public bool IsIdle => _waiting.Count == 0;

    /// <summary>Takes in a request that misses images.</summary>
    public void Add(Request request) => _waiting.Add(request);

    /// <summary>Reads on for a moment; gives those that miss no image any more.</summary>
    public List<Request> Advance()
    {
        var started = Stopwatch.GetTimestamp();
        var ready = new List<Request>();
        while (_waiting.Count > 0 && Stopwatch.GetElapsedTime(started) < Slice)
        {
            var next = _waiting[0];
            try
            {
                if (next.IsOver)
                    Drop(next);
                else if (next.MissingImage is not { } image)
                {
                    _waiting.RemoveAt(0);
                    ready.Add(next);
                }
                else if (_kept.FirstOrDefault(kept => kept.IsOf(image, model.AdapterOfImages(next.Adapter))) is { } known)
                {
                    _kept.Remove(known);
                    _kept.AddFirst(known);
                    next.See(known);
                }
                else if (!Read(image, model.AdapterOfImages(next.Adapter)))
                    break;
            }
            catch (Exception e)
            {
                next.Fail(e is CriaException ? e : new CriaException($"an image cannot be read: {e.Message}", e));
                Drop(next);
            }
        }
        return ready;
    }

    /// <summary>Ends all that wait with an error.</summary>
    public void Fail(Func<Exception> error)
    {
        _waiting.ForEach(request => request.Fail(error()));
        _waiting.Clear();
    }

    /// <summary>Does a step of reading an image; false if its place is taken by images that others see.</summary>
    bool Read(ImageTiles image, Adapter? adapter)
    {
        if (_reading?.IsOf(image, adapter) != true)
        {
            _reading?.Dispose(); // of somebody who has left
            _reading = null;
            if (!MakeRoom(model.BytesOf(image)))
                return false;
            _reading = model.BeginImage(image, adapter);
        }
        if (!_reading.Advance())
            return true;
        _kept.AddFirst(_reading.Take());
        _reading.Dispose();
        _reading = null;
        return true;
    }

    bool MakeRoom(long bytes)
    {
        var held = _kept.Sum(kept => kept.Bytes);
        for (var node = _kept.Last; node is not null && held + bytes > budget;)
        {
            var (image, before) = (node.Value, node.Previous);
            if (!image.IsShared)
            {
                held -= image.Bytes;
                _kept.Remove(node);
                image.Dispose();
            }
            node = before;
        }
        return held + bytes <= budget;
    }

    void Drop(Request request)
    {
        _waiting.Remove(request);
        request.Free();
    }

    public void Dispose()
    {
        _reading?.Dispose();
        foreach (var image in _kept)
            image.Dispose();
        _kept.Clear();
    }
}
