using Cria.Models;

namespace Cria.Generation;

/// <summary>
/// Who runs and who waits: in the order of arrival, as many as share a step and as their keys and values find room. When those that
/// run outgrow it, cached prefixes go first, least recently used first; then the youngest request waits again and will read
/// all anew. The oldest always goes on, so nothing locks up. Belongs to the scheduler's thread.
/// </summary>
sealed class Admission(TextModel model, GeneratorOptions options) : IDisposable
{
    readonly List<Request> _waiting = [];

    /// <summary>Those that run, the oldest first.</summary>
    public List<Request> Active { get; } = [];

    /// <summary>What is left of those that have ended.</summary>
    public PrefixCache Prefixes { get; } = new(model, Math.Min(options.PrefixBytes!.Value, options.CacheBytes!.Value));

    public bool IsIdle => Active.Count + _waiting.Count == 0;

    long Held => model.Cache.Bytes + (options.Draft?.Cache.Bytes ?? 0);

    /// <summary>Takes requests in.</summary>
    public void Add(IEnumerable<Request> requests) => _waiting.AddRange(requests);

    /// <summary>Lets go of those that are over, makes room for the next step, and starts as many of those that wait as there is room for.</summary>
    public void Prepare()
    {
        Active.FindAll(c => c.IsOver).ForEach(Release);
        foreach (var over in _waiting.FindAll(c => c.IsOver))
        {
            _waiting.Remove(over);
            over.Free();
        }
        while (!Fits() && Active.Count > 1)
        {
            _waiting.Insert(0, Active[^1]);
            Release(Active[^1]);
        }
        while (_waiting.Count > 0 && Active.Count < options.MaxConversations)
        {
            var next = _waiting[0];
            _waiting.RemoveAt(0);
            try
            {
                next.Begin(model, Prefixes, options.Draft);
            }
            catch (Exception e) // its caller has left and unloaded its adapter
            {
                next.Fail(e is CriaException ? e : new CriaException($"the model failed: {e.Message}", e));
                continue;
            }
            Active.Add(next);
            if (Fits() || Active.Count == 1)
                continue;
            Active.RemoveAt(Active.Count - 1);
            next.Free();
            _waiting.Insert(0, next);
            break;
        }
    }

    /// <summary>Takes one that runs out; what it has read goes to the prefixes.</summary>
    public void Release(Request request)
    {
        Active.Remove(request);
        request.Keep(Prefixes);
        request.Free();
    }

    /// <summary>Ends those that run with an error, or all.</summary>
    public void Fail(Func<Exception> error, bool all)
    {
        foreach (var request in all ? Active.Concat(_waiting) : Active)
            request.Fail(error());
        Active.Clear();
        if (all)
            _waiting.Clear();
    }

    /// <summary>Whether the next step of all that run finds room; cached prefixes are forgotten if it does then.</summary>
    bool Fits()
    {
        if (Missing() <= 0)
            return true;
        if (Missing() > Prefixes.IdleBytes)
            return false;
        while (Missing() > 0 && Prefixes.Forget())
        {
        }
        return true;
    }

    long Missing() => Held + Active.Sum(c => c.BytesToGrow) - options.CacheBytes!.Value;

    public void Dispose() => Prefixes.Dispose();
}
